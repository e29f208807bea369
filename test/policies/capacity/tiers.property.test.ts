import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TiersConfig } from '../../../policies/capacity/config.ts';
import { Tiers } from '../../../policies/capacity/tiers.ts';
import type { WorkerStatus } from '../../../policies/types.ts';
import { loadReport } from '../views.ts';

const SEED = 7251730;
const WORKERS = 4;
const STATUSES = ['pending', 'ready', 'not-ready', 'failed', 'draining'] as const;

type Command =
  | { kind: 'status'; worker: number; status: WorkerStatus }
  | { kind: 'report'; worker: number; maxRunning: number }
  | { kind: 'discover'; workers: number[] };

const worker = fc.nat({ max: WORKERS - 1 });
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constant('status' as const), worker, status: fc.constantFrom(...STATUSES) }),
  fc.record({
    kind: fc.constant('report' as const),
    worker,
    maxRunning: fc.constantFrom(-1, 0, 1, 64, 256, 30000, 65535, 70000),
  }),
  fc.record({ kind: fc.constant('discover' as const), workers: fc.subarray([0, 1, 2, 3]) }),
);
const settings = fc.record({
  override: fc.constantFrom(0, 0, 0, 300),
  slotsPerWorker: fc.constantFrom(0, 64, 65535),
  legacyMaxConcurrent: fc.constantFrom(0, 256, 65535),
  whenNoneHealthy: fc.constantFrom('hold' as const, 'legacy' as const),
  whenTooLarge: fc.constantFrom('saturate' as const, 'not-reported' as const),
});

/** Written from the specification, without memory of steps but for what upstream remembers. */
class Model {
  readonly #settings: Omit<TiersConfig, 'name'>;
  readonly workers = new Map<number, { status: WorkerStatus; maxRunning: number }>();
  answer: [number, string];

  constructor(given: Omit<TiersConfig, 'name'>) {
    this.#settings = given;
    this.answer = given.override > 0 ? [given.override, 'override'] : [given.legacyMaxConcurrent, 'legacy-fallback'];
  }

  apply(step: Command): void {
    if (step.kind === 'discover') {
      for (const known of [...this.workers.keys()]) if (!step.workers.includes(known)) this.workers.delete(known);
      for (const index of step.workers) {
        if (!this.workers.has(index)) this.workers.set(index, { status: 'pending', maxRunning: -1 });
      }
    } else {
      const known = this.workers.get(step.worker);
      if (known !== undefined && step.kind === 'status') known.status = step.status;
      if (known !== undefined && step.kind === 'report') known.maxRunning = step.maxRunning;
    }
    this.#recompute();
  }

  #recompute(): void {
    const given = this.#settings;
    const healthy = [...this.workers.values()].filter(({ status }) => status === 'ready');
    if (given.override > 0) return;
    if (healthy.length === 0) {
      const fresh = this.answer[1] === 'legacy-fallback';
      if (fresh || given.whenNoneHealthy === 'legacy') this.answer = [given.legacyMaxConcurrent, 'legacy-fallback'];
      return;
    }
    const usable = healthy.map(({ maxRunning }) => {
      if (maxRunning <= 65535) return maxRunning;
      return given.whenTooLarge === 'saturate' ? 65535 : -1;
    });
    const total = usable.map((value) => (value > 0 ? value : given.slotsPerWorker)).reduce((a, b) => a + b, 0);
    this.answer = [Math.min(total, 65535), usable.every((value) => value > 0) ? 'worker-reported' : 'mixed'];
  }
}

describe('Tiers', () => {
  it('equals its model after every event, and counts each visible change once', () => {
    const property = fc.property(settings, fc.array(command, { maxLength: 60, size: 'max' }), (given, steps) => {
      const policy = new Tiers({ name: 'tiers', ...given });
      const model = new Model(given);
      for (const step of steps) {
        const before = { answer: model.answer.join(), version: policy.version };
        model.apply(step);
        if (step.kind === 'status') policy.statusChanged(0, step.worker, step.status);
        else if (step.kind === 'discover') policy.discovered(0, step.workers);
        else policy.reported(0, step.worker, 0, loadReport({ maxRunning: step.maxRunning }));
        expect([policy.current(), policy.source()]).toEqual(model.answer);
        const changed = model.answer.join() === before.answer ? 0 : 1;
        // A `discovered` is one input: it may change the answer once at most.
        expect(policy.version - before.version).toBe(changed);
      }
    });
    fc.assert(property, { seed: SEED, numRuns: 1000 });
  });

  it('never raises the capacity of a fleet that only loses health', () => {
    const status = fc.constantFrom('not-ready' as const, 'failed' as const, 'draining' as const);
    const losses = fc.array(fc.record({ worker, status }), { maxLength: 12, size: 'max' });
    const reports = fc.array(fc.integer({ min: 1, max: 70000 }), { minLength: WORKERS, maxLength: WORKERS });
    const property = fc.property(reports, losses, (maxRunning, steps) => {
      const policy = new Tiers({
        name: 'tiers',
        override: 0,
        slotsPerWorker: 64,
        legacyMaxConcurrent: 65535,
        whenNoneHealthy: 'hold',
        whenTooLarge: 'saturate',
      });
      policy.discovered(0, [...maxRunning.keys()]);
      for (const [index, requests] of maxRunning.entries()) {
        policy.reported(0, index, 0, loadReport({ maxRunning: requests }));
        policy.statusChanged(0, index, 'ready');
      }
      for (const step of steps) {
        const before = policy.current();
        policy.statusChanged(0, step.worker, step.status);
        expect(policy.current()).toBeLessThanOrEqual(before);
      }
    });
    fc.assert(property, { seed: SEED, numRuns: 500 });
  });
});
