/**
 * Replays one recorded sequence into the variant `datadesigner-head`, waking it at every instant it asks for, and says
 * what it observed in the words of the record. Times cross over exactly: all recorded ones are multiples of 2^-20 s.
 */
import { AdaptiveAdmission } from '../../../policies/admission/adaptive-admission.ts';
import { requestAdmission } from '../../../policies/admission/request-admission.ts';
import type {
  AdmissionEvent,
  PressureSnapshot,
  ReleaseOutcome,
  RequestDomain,
  RequestLease,
  Resource,
} from '../../../policies/admission/types.ts';
import type { Answer, EventRow, Op, OpLine, Release, SequenceLine, State } from './request-admission-records.ts';

const US = 1e6;
/** In one op: far above the waiters there are. */
const WAKES_MAX = 10_000;
/** Items of tryAcquire, which the record does not name, are numbered from here. */
const UNNAMED = 1e6;

const kebab = (text: string) => text.replaceAll('_', '-');
const snake = (text: string) => text.replaceAll('-', '_');

export interface Observed {
  result: Answer | undefined;
  readonly completions: Answer[];
  readonly events: EventRow[];
}

export class Replay {
  readonly #keeper: AdaptiveAdmission;
  readonly #resources: Resource[];
  /** By index in the record. */
  readonly #leases = new Map<number, RequestLease>();
  /** By waiter. */
  readonly #granted = new Map<number, RequestLease>();
  /** Upstream shows the events of a waiting acquire when it ends. */
  readonly #buffers = new Map<number, EventRow[]>();
  #observed: Observed = { result: undefined, completions: [], events: [] };
  /** The acquire whose call is running, undefined in every other call; 'timer' in wakes. */
  #caller: number | 'timer' | undefined;
  #unnamed = UNNAMED;
  #now = 0;

  constructor(head: SequenceLine) {
    this.#resources = head.resources.map(([provider, model, domain]) => {
      return { provider, model, domain: domain as RequestDomain };
    });
    this.#keeper = new AdaptiveAdmission(configOf(head, this.#resources), { sink: (event) => this.#note(event) });
  }

  /** Applies the op; what the record calls `lease` is bound to the lease granted here. */
  apply({ op, t, result, completions = [] }: OpLine): Observed {
    this.#observed = { result: undefined, completions: [], events: [] };
    if (op.kind === 'advance') this.#runTo(t * US);
    this.#now = t * US;
    const granted = this.#perform(op);
    if (granted !== undefined) this.#leases.set(result?.['lease'] as number, granted);
    this.#drain();
    this.#runTo(this.#now);
    for (const { waiter, lease } of completions as readonly { waiter: number; lease?: number }[]) {
      const mine = this.#granted.get(waiter);
      if (lease !== undefined && mine !== undefined) this.#leases.set(lease, mine);
    }
    this.#keeper.checkInvariants();
    return this.#observed;
  }

  snapshots(): State {
    const rows = this.#keeper.snapshots(this.#now).map((row) => [this.#index(row.resource), snapshotRow(row)] as const);
    return Object.fromEntries(rows);
  }

  globals(): State {
    return Object.fromEntries(
      this.#keeper.endpoints(this.#now).map(({ provider, model, cap, inFlight, aliases }) => {
        return [`${provider}/${model}`, { cap, inf: inFlight, act: inFlight, aliases: Object.fromEntries(aliases) }];
      }),
    );
  }

  leakCounters(): Record<string, number> {
    const counts = Object.entries(this.#keeper.leakCounts()).filter(([, count]) => count > 0);
    return Object.fromEntries(counts.map(([reason, count]) => [snake(reason), count]));
  }

  held(): { readonly waiting: number; readonly leased: number } {
    return this.#keeper.held();
  }

  /** The lease that tryAcquire granted, if it did. */
  #perform(op: Op): RequestLease | undefined {
    const keeper = this.#keeper;
    switch (op.kind) {
      case 'advance':
        return undefined;
      case 'register':
        this.#know({ provider: op.provider, model: op.model, domain: 'chat' });
        keeper.register(this.#now, op.provider, op.model, op.alias, op.max_parallel_requests);
        return undefined;
      case 'try_acquire': {
        const answer = keeper.tryAcquire(this.#now, this.#unnamed++, this.#resource(op.resource));
        this.#observed.result = this.#answer(answer);
        return answer.kind === 'granted' ? answer.lease : undefined;
      }
      case 'acquire': {
        this.#caller = op.waiter;
        const timeoutUs = op.timeout_seconds === null ? undefined : op.timeout_seconds * US;
        keeper.acquire(this.#now, op.waiter, this.#resource(op.resource), timeoutUs);
        this.#caller = undefined;
        return undefined;
      }
      case 'cancel':
        keeper.cancel(this.#now, op.waiter);
        return undefined;
      case 'release':
        this.#release(op);
        return undefined;
      case 'release_then_cancel':
        this.#release({ ...op, kind: 'release' });
        keeper.cancel(this.#now, op.waiter);
        return undefined;
      case 'stall':
        return op.then === undefined || op.then === null ? undefined : this.#perform(op.then);
      default:
        op satisfies never;
        throw new Error(`unknown kind of op: ${JSON.stringify(op)}`);
    }
  }

  #release({ lease: index, outcome, retry_after_seconds, mutate }: Release): void {
    const lease = this.#leases.get(index);
    if (lease === undefined) throw new Error(`lease ${index} was never granted here`);
    const retryAfterUs = (retry_after_seconds ?? 0) * US;
    const ended = kebab(outcome) as ReleaseOutcome;
    const answer = this.#keeper.release(this.#now, mutated(lease, mutate), ended, retryAfterUs);
    this.#observed.result = { released: answer === 'released', reason: snake(answer) };
  }

  #runTo(until: number): void {
    let wakes = 0;
    for (let at = this.#keeper.nextWakeAt(); at <= until; at = this.#keeper.nextWakeAt()) {
      if (++wakes > WAKES_MAX) throw new Error(`woken ${WAKES_MAX} times until ${until} µs and there is more to do`);
      this.#now = Math.max(at, this.#now);
      this.#caller = 'timer';
      this.#keeper.wake(this.#now);
      this.#caller = undefined;
      this.#drain();
    }
  }

  /** Takes what became due. */
  #drain(): void {
    for (let effect = this.#keeper.take(); effect !== undefined; effect = this.#keeper.take()) {
      if (effect.kind === 'granted') this.#granted.set(effect.item, effect.lease);
      const end = effect.kind === 'cancelled' ? { cancelled: true } : this.#answer(effect);
      this.#observed.completions.push({ waiter: effect.item, t: this.#now / US, ...end });
      this.#observed.events.push(...(this.#buffers.get(effect.item) ?? []));
      this.#buffers.delete(effect.item);
    }
  }

  #answer(answer: ReturnType<AdaptiveAdmission['tryAcquire']>): Answer {
    if (answer.kind === 'granted') {
      const { resource, acquiredAt, limit, effectiveMax } = answer.lease;
      return {
        resource: this.#index(resource),
        acquired_at: acquiredAt / US,
        adaptive_limit: limit,
        effective_max: effectiveMax,
      };
    }
    const denied = snake(answer.reason);
    if (answer.reason === 'hard-policy-denial') return { denied, diagnostics: { unregistered: true } };
    if (answer.reason !== 'cooldown') return { denied };
    const { availableAt } = answer;
    return { denied, retry_after_seconds: (availableAt - this.#now) / US, available_after: availableAt / US };
  }

  #note(event: AdmissionEvent): void {
    const { kind, item } = event;
    const row = this.#eventRow(event);
    const buffer = kind === 'wait-timeout' || this.#caller === 'timer' ? item : this.#caller;
    if (buffer !== undefined) this.#buffers.set(buffer, [...(this.#buffers.get(buffer) ?? []), row]);
    else if (kind === 'wait-cancelled') {
      this.#observed.events.push(...(this.#buffers.get(item) ?? []), row);
      this.#buffers.delete(item);
    } else this.#observed.events.push(row);
  }

  #eventRow({ kind, resource, reason, previous, current }: AdmissionEvent): EventRow {
    const row = [`request_${snake(kind)}`, this.#index(resource), reason === 'none' ? null : snake(reason)];
    if (kind === 'soft-ceiling-recovered') return [...row, { rate_limit_ceiling: current }];
    const moved = kind === 'effective-cap-changed' || kind === 'limit-decreased' || kind === 'limit-increased';
    return moved ? [...row, { previous, current }] : row;
  }

  #resource(index: number): Resource {
    const resource = this.#resources[index];
    if (resource === undefined) throw new Error(`resource ${index} is not in the record's list`);
    return resource;
  }

  #index({ provider, model, domain }: Resource): number {
    return this.#resources.findIndex((r) => r.provider === provider && r.model === model && r.domain === domain);
  }

  #know(resource: Resource): void {
    if (this.#index(resource) === -1) this.#resources.push(resource);
  }
}

function configOf(head: SequenceLine, resources: readonly Resource[]) {
  const { config } = head;
  const limitOf = (list: SequenceLine['config']['initial_limits'], index: number) =>
    list.find(([resource]) => resource === index)?.[1] ?? undefined;
  const settings = resources.map((resource, i) => {
    const initialLimit = limitOf(config.initial_limits, i);
    const limitMax = limitOf(config.max_limit_clamps, i);
    return { ...resource, weight: head.group_weights[i] ?? 1, initialLimit, limitMax };
  });
  const timeout = config.default_queue_wait_timeout_seconds;
  return {
    ...requestAdmission.config.parse({ name: 'aimd', ...requestAdmission.variants['datadesigner-head'] }),
    cooldown: config.cooldown_seconds * US,
    decreaseRatio: config.multiplicative_decrease_factor,
    increaseStep: config.additive_increase_step,
    increaseAfter: config.successes_until_increase,
    startupRamp: config.startup_ramp_seconds * US,
    ...(timeout === null ? {} : { waitTimeout: timeout * US }),
    resources: settings,
  };
}

function mutated(lease: RequestLease, mutate: string | null | undefined): RequestLease {
  switch (mutate) {
    case undefined:
    case null:
      return lease;
    case 'stale_limit':
      return { ...lease, limit: lease.limit + 1 };
    case 'foreign_generation':
      return { ...lease, generation: lease.generation + 1 };
    case 'unknown_id':
      return { ...lease, id: lease.id + 1e9 };
    default:
      throw new Error(`unknown mutation of a lease: ${mutate}`);
  }
}

function snapshotRow(snapshot: PressureSnapshot): Readonly<Record<string, unknown>> {
  const { blockedUntil, lastOutcome } = snapshot;
  return {
    eff: snapshot.effectiveMax,
    lim: snapshot.limit,
    inf: snapshot.inFlight,
    act: snapshot.inFlight,
    wait: snapshot.waiting,
    blocked_until: blockedUntil === -Infinity ? null : blockedUntil / US,
    ceil: snapshot.rateLimitCeiling,
    consec429: snapshot.consecutiveRateLimits,
    last: lastOutcome === 'none' ? null : snake(lastOutcome),
    streak: snapshot.successStreak,
    ramp: snapshot.ramping,
  };
}
