/**
 * What a capacity derived from the fleet keeps: it equals a model written from the specification after every event,
 * whoever listens, and it never rises while a fleet only loses health.
 */
import fc from 'fast-check';
import { type TiersConfig, tiersConfig } from '../../../policies/capacity/config.ts';
import type { Tiers } from '../../../policies/capacity/tiers.ts';
import type { WorkerStatus } from '../../../policies/types.ts';
import { loadReport } from '../../policies/views.ts';
import { claim, claimEqual } from '../claim.ts';

type WatchedCapacity = Pick<
  Tiers,
  'current' | 'source' | 'version' | 'discovered' | 'reported' | 'statusChanged' | 'configured'
>;

const WORKERS = 4;
const STATUSES = ['pending', 'ready', 'not-ready', 'failed', 'draining'] as const;

type Command =
  | { kind: 'status'; worker: number; status: WorkerStatus }
  | { kind: 'report'; worker: number; rank: number; maxRunning: number }
  | { kind: 'ranks'; worker: number; ranks: number }
  | { kind: 'discover'; workers: number[] };

const worker = fc.nat({ max: WORKERS - 1 });
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('status' as const), worker, status: fc.constantFrom(...STATUSES) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('report' as const),
      worker,
      rank: fc.constantFrom(0, 0, 0, 1),
      maxRunning: fc.constantFrom(-1, 0, 1, 64, 256, 30000, 65535, 70000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('ranks' as const), worker, ranks: fc.nat({ max: 2 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('discover' as const), workers: fc.subarray([0, 1, 2, 3]) }),
  },
);
const settings: fc.Arbitrary<TiersConfig> = fc.record({
  name: fc.constant('tiers'),
  override: fc.constantFrom(0, 0, 0, 300),
  slotsPerWorker: fc.constantFrom(0, 64, 65535),
  legacyMaxConcurrent: fc.constantFrom(0, 256, 65535),
  whenNoneHealthy: fc.constantFrom('hold' as const, 'legacy' as const),
  whenTooLarge: fc.constantFrom('saturate' as const, 'not-reported' as const),
});

interface Known {
  status: WorkerStatus;
  /** Announced number of ranks; 0 until then. */
  ranks: number;
  readonly said: Map<number, number>;
}

/** Written from the specification, without memory of steps but for what upstream remembers. */
class Model {
  readonly #settings: TiersConfig;
  readonly #workers = new Map<number, Known>();
  answer: readonly [number, string];

  constructor(given: TiersConfig) {
    this.#settings = given;
    this.answer = given.override > 0 ? [given.override, 'override'] : [given.legacyMaxConcurrent, 'legacy-fallback'];
  }

  apply(step: Command): void {
    if (step.kind === 'discover') this.#discover(step.workers);
    else {
      const known = this.#workers.get(step.worker);
      if (known !== undefined) hear(known, step);
    }
    this.#recompute();
  }

  #discover(workers: readonly number[]): void {
    for (const known of [...this.#workers.keys()]) if (!workers.includes(known)) this.#workers.delete(known);
    for (const index of workers) {
      if (!this.#workers.has(index)) this.#workers.set(index, { status: 'pending', ranks: 0, said: new Map() });
    }
  }

  #recompute(): void {
    const given = this.#settings;
    const healthy = [...this.#workers.values()].filter(({ status }) => status === 'ready');
    if (given.override > 0) return;
    if (healthy.length === 0) {
      const fresh = this.answer[1] === 'legacy-fallback';
      if (fresh || given.whenNoneHealthy === 'legacy') this.answer = [given.legacyMaxConcurrent, 'legacy-fallback'];
      return;
    }
    const usable = healthy.map((worker) => this.#worth(worker));
    const total = usable.map((value) => (value > 0 ? value : given.slotsPerWorker)).reduce((a, b) => a + b, 0);
    this.answer = [Math.min(total, 65535), usable.every((value) => value > 0) ? 'worker-reported' : 'mixed'];
  }

  /** What the worker's ranks say together; -1 while one of them is silent. */
  #worth({ ranks, said }: Known): number {
    const values = [...said.values()].map((value) => {
      if (value <= 65535) return value;
      return this.#settings.whenTooLarge === 'saturate' ? 65535 : -1;
    });
    if (values.length === 0 || values.length < ranks || values.some((value) => value <= 0)) return -1;
    return values.reduce((a, b) => a + b);
  }
}

function hear(known: Known, step: Exclude<Command, { kind: 'discover' }>): void {
  switch (step.kind) {
    case 'status':
      known.status = step.status;
      break;
    case 'report':
      if (known.ranks === 0 || step.rank < known.ranks) known.said.set(step.rank, step.maxRunning);
      break;
    case 'ranks':
      known.ranks = step.ranks;
      for (const rank of [...known.said.keys()]) if (rank >= step.ranks) known.said.delete(rank);
      break;
    default:
      step satisfies never;
  }
}

function apply(policy: WatchedCapacity, step: Command): void {
  switch (step.kind) {
    case 'status':
      return policy.statusChanged(0, step.worker, step.status);
    case 'report':
      return policy.reported(0, step.worker, step.rank, loadReport({ maxRunning: step.maxRunning }));
    case 'ranks':
      return policy.configured(0, step.worker, step.ranks);
    case 'discover':
      return policy.discovered(0, step.workers);
    default:
      step satisfies never;
  }
}

export function tiersProperty(make: (config: TiersConfig) => WatchedCapacity) {
  return fc.property(settings, fc.array(command, { maxLength: 60, size: 'max' }), (given, steps) => {
    const policy = make(given);
    const model = new Model(given);
    for (const step of steps) {
      const [answer, version] = [model.answer, policy.version];
      model.apply(step);
      apply(policy, step);
      claimEqual([policy.current(), policy.source()], model.answer, 'capacity and source');
      // A `discovered` is one input: it may change the answer once at most.
      claimEqual(policy.version - version, model.answer.join() === answer.join() ? 0 : 1, 'changes counted');
    }
  });
}

/** `make` is given the defaults, with a fallback as large as can be. */
export function sickFleetProperty(make: (config: TiersConfig) => WatchedCapacity) {
  const status = fc.constantFrom('not-ready' as const, 'failed' as const, 'draining' as const);
  const losses = fc.array(fc.record({ worker, status }), { maxLength: 12, size: 'max' });
  const reports = fc.array(fc.integer({ min: 1, max: 70000 }), { minLength: WORKERS, maxLength: WORKERS });
  return fc.property(reports, losses, (maxRunning, steps) => {
    const policy = make(tiersConfig.parse({ name: 'tiers', legacyMaxConcurrent: 65535 }));
    policy.discovered(0, [...maxRunning.keys()]);
    for (const [index, requests] of maxRunning.entries()) {
      policy.reported(0, index, 0, loadReport({ maxRunning: requests }));
      policy.statusChanged(0, index, 'ready');
    }
    for (const step of steps) {
      const before = policy.current();
      policy.statusChanged(0, step.worker, step.status);
      claim(policy.current() <= before, 'a loss of health raised the capacity', before, policy.current());
    }
  });
}
