/**
 * Coverage marks: rare branches by name, each seen from the journal, the policies' answers or the result. A campaign
 * that never meets one of them tests less than it says; it lists those, and fails for the required ones
 * (TigerBeetle's marks, FoundationDB's `TEST` macros). Watching them costs the run nothing but listening.
 */
import type { AttemptResult, RequestView } from '../../../policies/types.ts';
import type { Invariant, PolicyCall, Watcher } from '../invariants/invariant.ts';
import type { RequestFacts } from '../invariants/ledger.ts';
import { QUEUE_CALLS, QueueBook } from '../invariants/queue-book.ts';
import type { ResolvedScenario } from '../resolve.ts';
import type { RunOutcome, TapEntry } from '../run-types.ts';

interface Mark {
  readonly what: string;
  /** Two thousand runs of the whole space meet it some eight times or more: none, and something is wrong. */
  readonly required: boolean;
}

const usual = (what: string): Mark => ({ what, required: true });
const rare = (what: string): Mark => ({ what, required: false });

export const MARKS = {
  retry: usual('a request is tried again'),
  'retry-elsewhere': usual('a request is tried again on another worker'),
  'retry-after': usual('a failure with a Retry-After is followed by another attempt'),
  'budget-refused': rare('a retry budget refuses a retry'),
  'late-reply': usual('a reply comes after its attempt was cancelled'),
  'reply-at-limit': rare('a reply comes in the instant in which its attempt is cancelled'),
  'reply-cut': usual('an attempt fails after bytes of its reply were sent'),
  'client-left-waiting': usual('a client leaves a request that has no attempt yet'),
  'client-left-running': usual('a client leaves a request whose attempt runs'),
  'client-left-backing-off': rare('a client leaves a request between two attempts'),
  'same-instant': usual('a request arrives in the instant in which another ends'),
  'queue-full': usual('a request is shed because the queue is full'),
  'queue-timeout': usual('a request is shed because it waited too long'),
  'rate-limited': usual('a request is shed by a rate limit'),
  preempted: rare('the gateway gives an attempt up for a more urgent request'),
  'no-worker': usual('a request is shed because no worker is ready'),
  'all-busy': usual('a request is shed because every ready worker is busy'),
  deadline: usual('a request passes its own deadline'),
  'gate-shut': usual('a gate keeps a worker from getting more'),
  'gate-reopened': usual('a gate that was shut lets a worker have more again'),
  parked: usual('a request that was let in waits for a worker that its gates accept'),
  'capacity-shrank': usual('the capacity falls while permits are out'),
  'worker-away': usual('a worker that was ready is not'),
  'worker-back': usual('a worker that was away is ready again'),
  'fleet-changed': usual('a worker joins or leaves while requests pass'),
  'kv-preemption': usual('an engine evicts a running sequence'),
  'prefix-hit': usual('a prompt finds blocks of it cached'),
  'row-dropped': usual('a row of a dataset is lost'),
  'row-preserved': usual('a failed task is kept for another cycle'),
  'salvaged-twice': usual('a task is called in three starts or more'),
  'rate-limited-in-ramp': rare('a 429 comes while the limit of its endpoint still ramps up'),
  'early-shutdown': usual('a dataset is ended early by its errors'),
  recovered: usual('goodput comes back after trouble'),
} as const satisfies Readonly<Record<string, Mark>>;
export type MarkName = keyof typeof MARKS;

const CALLS = ['gate.allows', 'gate.reconsiderAt', 'retry.delayUs', 'retry-budget.allows'] as const;
const STATUS_SHIFT = 65_536;
const READY = 1;
const OUTCOME_OK = 0;

/** Listens for all of them in one run. What it reports breaks no promise; `hit` is told of each mark, perhaps often. */
export function marksOf(hit: (mark: MarkName) => void): Invariant {
  return {
    name: 'marks',
    promise: 'Rare branches are met.',
    hears: [...CALLS, ...QUEUE_CALLS],
    watch: (scenario) => new MarkWatcher(scenario, hit),
  };
}

class MarkWatcher implements Watcher {
  readonly #hit: (mark: MarkName) => void;
  /** Until when the limits of a dataset's endpoints ramp up. */
  readonly #rampUs: number;
  readonly #cancelled = new Map<number, number>();
  readonly #shut = new Set<number>();
  readonly #away = new Set<number>();
  readonly #tasks = new Map<number, number>();
  readonly #workers = new Map<number, number>();
  readonly #queue = new QueueBook();
  #capacity = 0;
  #endedAt = -1;

  constructor({ policies, config }: ResolvedScenario, hit: (mark: MarkName) => void) {
    this.#hit = hit;
    const { startupRamp } = policies.admission;
    this.#rampUs = config.dataset !== undefined && typeof startupRamp === 'number' ? startupRamp : -1;
  }

  entry({ at, kind, first, second, request: id }: TapEntry, request: RequestFacts | undefined): void {
    switch (kind) {
      case 'effect.start':
        this.#started(id, second, request);
        break;
      case 'effect.cancel':
        this.#cancelled.set(first, at);
        break;
      case 'gateway.end':
        this.#ended(at, first, second, request);
        break;
      case 'gateway.abandon':
        this.#left(request);
        break;
      case 'gateway.arrive':
        if (at === this.#endedAt) this.#hit('same-instant');
        break;
      case 'gateway.workerStatus':
        if (second === READY && this.#away.delete(first)) this.#hit('worker-back');
        else if (second !== READY && at > 0) {
          this.#away.add(first);
          this.#hit('worker-away');
        }
        break;
      case 'gateway.discovered':
        if (at > 0) this.#hit('fleet-changed');
        break;
      case 'effect.call': {
        const starts = (this.#tasks.get(second) ?? 0) + 1;
        this.#tasks.set(second, starts);
        if (starts === 3) this.#hit('salvaged-twice');
        break;
      }
      default:
        break;
    }
  }

  call(call: PolicyCall): void {
    const { role, method, args, answer } = call;
    if (role === 'queue') {
      this.#queue.book(call);
      if (method === 'capacityChanged') this.#capacityChanged(args[1] as number);
    } else if (method === 'reconsiderAt') {
      // Asked while somebody waits.
      this.#hit('parked');
    } else if (role === 'gate') {
      const { index } = args[1] as { readonly index: number };
      if (answer === false) {
        this.#shut.add(index);
        this.#hit('gate-shut');
      } else if (this.#shut.delete(index)) this.#hit('gate-reopened');
    } else if (role === 'retry') {
      const [, , { retryAfterUs }] = args as unknown as [number, RequestView, AttemptResult];
      if (retryAfterUs > 0 && (answer as number) >= 0) this.#hit('retry-after');
    } else if (role === 'retry-budget') {
      if (answer === false) this.#hit('budget-refused');
    }
  }

  record({ cause }: { readonly cause: string }): void {
    if (CAUSES.has(cause)) this.#hit(cause as MarkName);
  }

  rowDropped({ rule }: { readonly rule: string }): void {
    this.#hit('row-dropped');
    if (rule === 'shutdown') this.#hit('early-shutdown');
  }

  end({ result, recovery }: RunOutcome): void {
    if (result.preemptions > 0) this.#hit('kv-preemption');
    if (result.prefix_hit_tokens > 0) this.#hit('prefix-hit');
    if ((result.rows?.preserved_count ?? 0) > 0) this.#hit('row-preserved');
    if (recovery?.verdict === 'recovered') this.#hit('recovered');
  }

  #capacityChanged(capacity: number): void {
    if (capacity < this.#capacity && this.#queue.admitted.size > 0) this.#hit('capacity-shrank');
    this.#capacity = capacity;
  }

  #started(id: number, worker: number, request: RequestFacts | undefined): void {
    if (request !== undefined && request.starts > 0) {
      this.#hit('retry');
      if (this.#workers.get(id) !== worker) this.#hit('retry-elsewhere');
    }
    this.#workers.set(id, worker);
  }

  #ended(at: number, attempt: number, code: number, request: RequestFacts | undefined): void {
    this.#endedAt = at;
    const cancelledAt = this.#cancelled.get(attempt);
    if (cancelledAt !== undefined) {
      this.#hit('late-reply');
      if (cancelledAt === at) this.#hit('reply-at-limit');
    }
    const isOk = Math.floor(code / STATUS_SHIFT) === OUTCOME_OK;
    if (!isOk && request?.answered === true) this.#hit('reply-cut');
    if (code % STATUS_SHIFT === 429 && at < this.#rampUs) this.#hit('rate-limited-in-ramp');
  }

  #left(request: RequestFacts | undefined): void {
    if (request === undefined || request.finishedAt >= 0) return;
    if (request.starts === 0) this.#hit('client-left-waiting');
    else this.#hit(request.attempt >= 0 ? 'client-left-running' : 'client-left-backing-off');
  }
}

/** Causes of a request's end that are marks. */
const CAUSES: ReadonlySet<string> = new Set([
  ...['queue-full', 'queue-timeout', 'rate-limited', 'preempted', 'no-worker', 'all-busy', 'deadline'],
]);
