/**
 * A run in this process as a comparison of runs needs it: its checkpoints, its result, and a stretch of its
 * entries.
 */
import type { Replayer } from '../lab/determinism.ts';
import type { ResolvedScenario } from '../lab/resolve.ts';
import type { Runner, StopSignal, TapEntry } from '../lab/run-types.ts';

export function replayHere(run: Runner, resolved: ResolvedScenario, signal?: Readonly<StopSignal>): Replayer {
  return async (stretch) => {
    const entries: TapEntry[] = [];
    const tap = stretch && { ...stretch, record: (entry: TapEntry) => void entries.push(entry) };
    const { result, checkpoints } = await run(resolved, { signal, tap });
    return { result, checkpoints, entries };
  };
}
