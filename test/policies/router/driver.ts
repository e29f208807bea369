/**
 * A fleet of five that a router sends requests to, under commands drawn at random: what it answers is checked against
 * the candidates, leases are granted and settled, and a twin restored from what it tells must go on as it does.
 */
import fc from 'fast-check';
import { type PolicyEntry, policyEntries } from '../../../policies/index.ts';
import { REFUSE } from '../../../policies/router/answers.ts';
import type { AttemptOutcome, AttemptView, Router, WorkerView } from '../../../policies/types.ts';
import { claim, claimEqual } from '../../harness/claim.ts';
import { attemptResult, loadReport, requestView, workerView } from '../views.ts';

const WORKERS = 5;

const worker = fc.nat({ max: WORKERS - 1 });
const request = fc.record({
  promptTokens: fc.constantFrom(-1, 0, 1, 16, 100, 5000, 1e6),
  prefixKey: fc.nat({ max: 3 }),
  blockHashes: fc.array(fc.nat({ max: 2 }), { maxLength: 5, size: 'max' }),
  routingKey: fc.constantFrom('', '', 'a', 'b', 'c'),
  tenant: fc.constantFrom('', 'acme'),
});
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('pick' as const), request, away: fc.subarray([1, 2, 3, 4]) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('settle' as const), nth: fc.nat({ max: 9 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('report' as const),
      worker,
      load: fc.record({ prefillTokens: fc.constantFrom(-1, 0, 500), kvUsedBlocks: fc.nat({ max: 100 }) }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail' as const), worker }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('discover' as const), workers: fc.subarray([0, 1, 2, 3, 4]) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), us: fc.constantFrom(1, 1e6, 40e6, 2e10) }),
  },
);
export type Step = typeof step extends fc.Arbitrary<infer Kind> ? Kind : never;

export const history = fc.array(step, { maxLength: 40, size: 'max' });

type RouterEntry = PolicyEntry<'router'>;
const entries = policyEntries.filter((entry): entry is RouterEntry => entry.role === 'router');
/** Every router as it is by default, '', and in each of its variants. */
export const routerSettings = entries.flatMap((entry) =>
  ['', ...Object.keys(entry.variants)].map((variant) => [entry.name, variant, entry] as const),
);

/** A router with a stream of its own, whose state may be set to another's. */
export class SeededRouter {
  readonly router: Router;
  readonly #stream: { state: number };

  constructor(entry: RouterEntry, variant: string, state: number) {
    this.#stream = { state };
    const rng = () => (this.#stream.state = (Math.imul(this.#stream.state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
    this.router = entry.make(entry.config.parse({ name: entry.name, ...entry.variants[variant] }), { rng });
  }

  get state(): number {
    return this.#stream.state;
  }
}

/** A fleet with leases, and the checks that hold for every router. */
export class Driver {
  /** The router, and its twin once it has one. */
  readonly #routers: Router[];
  readonly #mayWait: boolean;
  readonly #views: WorkerView[] = Array.from({ length: WORKERS }, (_, index) => workerView({ index }));
  readonly #leases: AttemptView[] = [];
  #known: readonly number[] = [0, 1, 2, 3, 4];
  #now = 0;
  #id = 0;

  constructor(router: Router, mayWait: boolean) {
    this.#routers = [router];
    this.#mayWait = mayWait;
    router.discovered?.(0, this.#known);
  }

  /** From here on the twin, fresh but for what the router tells of itself, hears the same and must answer the same. */
  join(twin: Router): void {
    const told = this.#routers[0]?.snapshot?.();
    claim(told !== undefined, 'a router tells its state while it is small');
    const unexpected = () => {
      throw new Error('a router needs no request or attempt to be restored');
    };
    twin.restore?.(structuredClone(told), unexpected, unexpected);
    this.#routers.push(twin);
  }

  run(step: Step): void {
    switch (step.kind) {
      case 'pick':
        this.#pick(step);
        break;
      case 'settle':
        this.#settle(step.nth % Math.max(1, this.#leases.length), 'ok');
        break;
      case 'report':
        this.#change(step.worker, { reportedAt: this.#now, reportedKvUsageRatio: step.load.kvUsedBlocks / 100 });
        this.#tell((router) => {
          router.reported?.(this.#now, step.worker, 0, loadReport({ ...step.load, kvTotalBlocks: 100 }));
        });
        break;
      case 'fail':
        this.#tell((router) => router.statusChanged?.(this.#now, step.worker, 'failed'));
        break;
      case 'discover':
        this.#known = step.workers;
        this.#tell((router) => router.discovered?.(this.#now, step.workers));
        break;
      case 'advance':
        this.#now += step.us;
        break;
      default:
        step satisfies never;
    }
  }

  /** Ends every lease. After all, a twin must tell of itself what the router tells. */
  drain(): void {
    while (this.#leases.length > 0) this.#settle(0, 'cancelled');
    const [told, ...others] = this.#routers.map((router) => router.snapshot?.());
    for (const other of others) claimEqual(other, told, 'the state of a restored router');
  }

  #tell(input: (router: Router) => void): void {
    for (const router of this.#routers) input(router);
  }

  #pick({ request, away }: Extract<Step, { kind: 'pick' }>): void {
    const candidates = this.#known.filter((index) => !away.includes(index)).map((i) => this.#views[i] as WorkerView);
    if (candidates.length === 0) return;
    const id = this.#id++;
    const asked = requestView({ ...request, id });
    const [position, ...others] = this.#routers.map((router) => router.pick(this.#now, asked, candidates)) as [number];
    for (const other of others) claimEqual(other, position, 'the answer of a restored router');
    const least = this.#mayWait ? REFUSE : 0;
    const valid = Number.isInteger(position) && position >= least && position < candidates.length;
    claim(valid, 'picked', position, candidates.length);
    if (position < 0) return;
    const { index, inFlight } = candidates[position] as WorkerView;
    const view = this.#change(index, { inFlight: inFlight + 1 });
    const attempt = { id, request: asked, worker: view, startedAt: this.#now };
    this.#leases.push(attempt);
    this.#tell((router) => router.granted?.(this.#now, attempt));
  }

  #settle(nth: number, outcome: AttemptOutcome): void {
    const [attempt] = this.#leases.splice(nth, 1);
    if (attempt === undefined) return;
    const { index } = attempt.worker;
    this.#change(index, { inFlight: (this.#views[index] as WorkerView).inFlight - 1 });
    this.#tell((router) => router.settled?.(this.#now, attempt, attemptResult({ outcome })));
  }

  #change(index: number, fields: Partial<WorkerView>): WorkerView {
    return (this.#views[index] = { ...(this.#views[index] as WorkerView), ...fields });
  }
}
