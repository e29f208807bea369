/** Random sets of faults of every kind, on a coarse grid: their ends coincide with each other and with replies. */
import fc from 'fast-check';
import type { FaultConfig, PartitionFault, Traffic } from '../../src/sim/fault-config.ts';
import { MS } from '../harness/world-builder.ts';

const pick = fc.constantFrom;
const upTo = (max: number, min = 0) => fc.integer({ min, max });

/** Instants. */
const grid = fc.oneof(upTo(80), upTo(8)).map((i) => i * 500);
/** A worker that is reduced to the fleet's size later. */
const worker = upTo(3);
const finite = pick(500, 2 * MS, 15 * MS);
const open = pick(500, 2 * MS, 15 * MS, Infinity);
const loadUs = pick(0, 500, 6 * MS);

const fault: fc.Arbitrary<FaultConfig> = fc.oneof(
  fc.record({ kind: fc.constant('crash' as const), worker, at: grid, forUs: open }),
  fc.record({ kind: fc.constant('crash' as const), worker, at: grid, forUs: finite }),
  fc.record({ kind: fc.constant('restart' as const), worker, at: grid, forUs: finite }),
  fc.record({ kind: fc.constant('hang' as const), worker, at: grid, forUs: finite, scope: pick('process', 'engine') }),
  fc.record({ kind: fc.constant('half' as const), worker, at: grid, forUs: open, side: pick('prefill', 'decode') }),
  fc.record({ kind: fc.constant('link' as const), worker, at: grid, forUs: open, factor: pick(0, 0.1, 3) }),
  fc.record({ kind: fc.constant('slow' as const), worker, at: grid, forUs: open, factor: pick(0.5, 2, 7.3) }),
  fc.record({
    kind: fc.constant('errors' as const),
    ...{ worker, at: grid, forUs: pick(500, 10 * MS, 30 * MS) },
    ratio: pick(0.3, 1, 1),
    status: pick(429, 429, 500, 400),
    retryAfterUs: pick(-1, 0, 4 * MS),
  }),
  fc.record({
    kind: fc.constant('cut' as const),
    ...{ worker, at: grid, forUs: pick(10 * MS, Infinity) },
    ratio: pick(0.3, 1),
    afterTokens: pick({ dist: 'constant' as const, value: 1 }, { dist: 'uniform' as const, min: 1, max: 12 }),
  }),
  fc.record({
    kind: fc.constant('timed-cut' as const),
    ...{ worker, at: grid, forUs: pick(10 * MS, Infinity) },
    ratio: pick(0.3, 1),
    afterUs: pick(500, 2 * MS, 7 * MS),
    strikes: pick('any' as const, 'silent' as const),
  }),
  fc
    .record({
      kind: fc.constant('partition' as const),
      ...{ worker, at: grid, forUs: open },
      loses: fc.subarray<Traffic>(['requests', 'reports', 'probes'], { minLength: 1 }),
    })
    .map((it): PartitionFault => {
      return it.loses.includes('requests') ? { ...it, forUs: Math.min(it.forUs, 15 * MS) } : it;
    }),
  fc.record({
    kind: fc.constant('skew' as const),
    ...{ worker, at: grid, forUs: open },
    aheadUs: pick(-5 * MS, 3 * MS),
  }),
  fc.record({
    kind: fc.constant('misreport' as const),
    ...{ worker, at: grid, forUs: open },
    ratio: pick(0.5, 1),
    says: pick({ kvUsedBlocks: -1, decodeBlocks: 1e6 }, { running: 0, waiting: -1, maxRunning: 3 }),
  }),
  fc.record({ kind: fc.constant('join' as const), worker, at: grid, loadUs }),
  fc
    .record({ kind: fc.constant('drain' as const), worker, at: grid, forUs: open, boundUs: pick(0, 3 * MS), loadUs })
    .chain((it) => pick(0, 1, it.boundUs).map((noticeUs) => ({ ...it, noticeUs })))
    .map((it) => ({ ...it, boundUs: Math.max(it.boundUs, it.noticeUs) }))
    .map((it) => ({ ...it, forUs: Math.max(it.forUs, it.boundUs) })),
  fc.record({
    kind: fc.constant('stall' as const),
    host: pick('gateway' as const, 'builder' as const),
    at: grid,
    forUs: pick(1, 500, 6 * MS),
  }),
);

/** Up to seven faults for a fleet of so many workers, most often few; each worker joins once at most. */
export function faultsOf(workers: number): fc.Arbitrary<FaultConfig[]> {
  const few = fc.array(fault, { maxLength: 2, size: 'max' });
  const many = fc.array(fault, { maxLength: 7, size: 'max' });
  return fc.oneof({ weight: 3, arbitrary: few }, { weight: 2, arbitrary: many }).map((faults) => {
    const joining = new Set<number>();
    return faults.map((it) => placed(it, workers)).filter((it) => {
      if (it.kind !== 'join') return true;
      const isFirst = !joining.has(it.worker);
      joining.add(it.worker);
      return isFirst;
    });
  });
}

function placed(given: FaultConfig, workers: number): FaultConfig {
  return given.kind === 'stall' ? given : { ...given, worker: given.worker % workers };
}
