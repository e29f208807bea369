/** What every router keeps, under any fleet, prompts and keys; and what a sticky key keeps besides. */
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { REFUSE } from '../../../policies/router/answers.ts';
import { bucket } from '../../../policies/router/bucket.ts';
import { cacheAware } from '../../../policies/router/cache-aware.ts';
import { consistentHashing } from '../../../policies/router/consistent-hashing.ts';
import { dpMinTokens } from '../../../policies/router/dp-min-tokens.ts';
import { kvCost } from '../../../policies/router/kv-cost.ts';
import { leastRequest } from '../../../policies/router/least-request.ts';
import { Manual, manual } from '../../../policies/router/manual.ts';
import { passthrough } from '../../../policies/router/passthrough.ts';
import { prefixHash } from '../../../policies/router/prefix-hash.ts';
import type { AttemptOutcome, AttemptView, Router, WorkerView } from '../../../policies/types.ts';
import { claim, claimEqual } from '../../harness/claim.ts';
import { assertRuns, POLICY_RUNS } from '../../harness/gateway-runs.ts';
import { attemptResult, loadReport, requestView, workerView } from '../views.ts';

const SEED = 7251730;
const FILE = 'test/policies/router/routers.property.test.ts';
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
type Step = typeof step extends fc.Arbitrary<infer Kind> ? Kind : never;

/** A fleet with leases, and the checks that hold for every router. */
class Driver {
  readonly #router: Router;
  readonly #mayWait: boolean;
  readonly #views: WorkerView[] = Array.from({ length: WORKERS }, (_, index) => workerView({ index }));
  readonly #leases: AttemptView[] = [];
  #known: readonly number[] = [0, 1, 2, 3, 4];
  #now = 0;
  #id = 0;

  constructor(router: Router, mayWait: boolean) {
    this.#router = router;
    this.#mayWait = mayWait;
    router.discovered?.(0, this.#known);
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
        this.#router.reported?.(this.#now, step.worker, 0, loadReport({ ...step.load, kvTotalBlocks: 100 }));
        break;
      case 'fail':
        this.#router.statusChanged?.(this.#now, step.worker, 'failed');
        break;
      case 'discover':
        this.#known = step.workers;
        this.#router.discovered?.(this.#now, step.workers);
        break;
      case 'advance':
        this.#now += step.us;
        break;
      default:
        step satisfies never;
    }
  }

  drain(): void {
    while (this.#leases.length > 0) this.#settle(0, 'cancelled');
  }

  #pick({ request, away }: Extract<Step, { kind: 'pick' }>): void {
    const candidates = this.#known.filter((index) => !away.includes(index)).map((i) => this.#views[i] as WorkerView);
    if (candidates.length === 0) return;
    const id = this.#id++;
    const asked = requestView({ ...request, id });
    const position = this.#router.pick(this.#now, asked, candidates);
    const least = this.#mayWait ? REFUSE : 0;
    const valid = Number.isInteger(position) && position >= least && position < candidates.length;
    claim(valid, 'picked', position, candidates.length);
    if (position < 0) return;
    const { index, inFlight } = candidates[position] as WorkerView;
    const view = this.#change(index, { inFlight: inFlight + 1 });
    const attempt = { id, request: asked, worker: view, startedAt: this.#now };
    this.#leases.push(attempt);
    this.#router.granted?.(this.#now, attempt);
  }

  #settle(nth: number, outcome: AttemptOutcome): void {
    const [attempt] = this.#leases.splice(nth, 1);
    if (attempt === undefined) return;
    const { index } = attempt.worker;
    this.#change(index, { inFlight: (this.#views[index] as WorkerView).inFlight - 1 });
    this.#router.settled?.(this.#now, attempt, attemptResult({ outcome }));
  }

  #change(index: number, fields: Partial<WorkerView>): WorkerView {
    return (this.#views[index] = { ...(this.#views[index] as WorkerView), ...fields });
  }
}

const entries = [
  passthrough,
  cacheAware,
  prefixHash,
  consistentHashing,
  manual,
  bucket,
  dpMinTokens,
  kvCost,
  leastRequest,
];
const settings = entries.flatMap((entry) =>
  ['', ...Object.keys(entry.variants)].map((variant) => [entry.name, variant, entry] as const),
);

describe('every router', () => {
  it.each(settings)('picks a candidate under any history: %s %s', { timeout: 600_000 }, (name, variant, entry) => {
    const waits = variant !== '' && ['prefix-hash', 'bucket'].includes(name);
    const history = fc.array(step, { maxLength: 40, size: 'max' });
    const property = fc.property(fc.nat(), history, (salt, steps) => {
      let state = salt;
      const rng = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
      const config = entry.config.parse({ name, ...(entry.variants as Record<string, object>)[variant] });
      const driver = new Driver(entry.make(config as never, { rng }), waits);
      for (const each of steps) driver.run(each);
      driver.drain();
    });
    // A new ring costs 750 hashes; WorkerRing has a property of its own.
    const numRuns = /hash/.test(name) ? POLICY_RUNS / 50 : POLICY_RUNS;
    assertRuns(property, { seed: SEED, numRuns, file: FILE, title: `history: ${name} ${variant}` });
  });
});

describe('Manual', () => {
  const title = 'keeps a key with its worker while that is a candidate and the key is in use';
  it(title, { timeout: 600_000 }, () => {
    const use = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      workers: fc.subarray([0, 1, 2, 3], { minLength: 1 }),
      us: fc.nat({ max: 12 }),
    });
    const property = fc.property(fc.array(use, { maxLength: 60, size: 'max' }), fc.nat(), (uses, salt) => {
      const draws = [0.1, 0.9, 0.4, 0.7];
      let draw = salt % 4;
      const rng = () => draws[draw++ % 4] as number;
      const router = new Manual({ ...manual.config.parse({ name: 'manual' }), maxIdle: 10, keysMax: 3 }, rng);
      const remembered = new Map<string, { workers: number[]; usedAt: number }>();
      let now = 0;
      for (const { key, workers, us } of uses) {
        now += us;
        for (const [other, { usedAt }] of [...remembered]) if (usedAt + 10 <= now) remembered.delete(other);
        const picked = workers[router.pick(now, requestView({ routingKey: key }), views(workers))] as number;
        const known = remembered.get(key)?.workers ?? [];
        const kept = known.find((index) => workers.includes(index));
        if (kept !== undefined) claimEqual(picked, kept, 'the worker of a known key');
        else known.push(picked);
        remembered.delete(key);
        remembered.set(key, { workers: known.slice(-2), usedAt: now });
        if (remembered.size > 3) remembered.delete([...remembered.keys()][0] as string);
        claimEqual(router.keys, remembered.size, 'keys remembered');
      }
    });
    assertRuns(property, { seed: SEED, numRuns: POLICY_RUNS, file: FILE, title });
  });
});

function views(workers: readonly number[]): WorkerView[] {
  return workers.map((index) => workerView({ index }));
}
