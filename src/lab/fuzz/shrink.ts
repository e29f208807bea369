/**
 * From a failing run to the least scenario that fails alike, found by fast-check's shrinking: it leaves out whole
 * blocks, faults and settings, then makes numbers small, as long as the same invariant is broken. The number of tries
 * is bounded, not their time, so that the same campaign shrinks to the same scenario on any machine.
 */
import fc from 'fast-check';
import type { FuzzBench, Trial } from './bench.ts';
import { type Failure, isSameFailure } from './failure.ts';
import { type FuzzPool, STALLED_AGAIN_S } from './fuzz-pool.ts';
import type { ScenarioDocument } from './scenario-arbitrary.ts';

const TRIES_MAX = 3000;
/** Kernel events of all tries: a run that does not end is as long as its limit allows. */
const EVENTS_MAX = 12_000_000;
/** Each try of a hang that hangs costs seconds. */
const HANG_TRIES_MAX = 20;

export interface Shrunk {
  readonly document: ScenarioDocument;
  readonly trial: Trial;
  /** fast-check's, of the run that was shrunk. */
  readonly seed: number;
  readonly path: string;
  /** Scenarios tried, the first included. */
  readonly tries: number;
}

/**
 * The least scenario found. Undefined: it was aborted. Throws when the run does not fail again, unless it hung: that
 * may have been the machine.
 */
export async function shrink(
  pool: FuzzPool,
  bench: FuzzBench,
  run: number,
  failure: Failure,
): Promise<Shrunk | undefined> {
  const seed = bench.seedOf(run);
  const isHang = failure.verdict === 'hang';
  const twice = failure.verdict === 'nondeterminism';
  const triesMax = isHang ? HANG_TRIES_MAX : TRIES_MAX;
  let tries = 0;
  let events = 0;
  let last: Trial | undefined;
  const passes = async (document: ScenarioDocument): Promise<boolean> => {
    if (tries >= triesMax || events > EVENTS_MAX || pool.aborted) return true;
    const trial = await pool.trial(document, twice, isHang && tries > 0 ? STALLED_AGAIN_S : undefined);
    tries++;
    events += trial?.events ?? 0;
    if (!isSameFailure(failure, trial?.failure)) return true;
    last = trial;
    return false;
  };
  const found = await fc.check(fc.asyncProperty(bench.arbitrary, passes), { seed, numRuns: 1 });
  if (pool.aborted) return undefined;
  const [document] = found.counterexample ?? [];
  if (document === undefined || last === undefined || found.counterexamplePath === null) {
    // A machine that was busy with other things for so long: as it was drawn, it is still the one to look at.
    const trial = { failure, marks: [], digest: undefined, events: 0 };
    if (isHang) return { document: bench.draw(run), trial, seed, path: '0', tries };
    throw new Error(`run ${run} of the campaign failed (${failure.message}) and does not when it is made again`);
  }
  return { document, trial: last, seed, path: found.counterexamplePath, tries };
}
