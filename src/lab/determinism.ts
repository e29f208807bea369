/**
 * Compares two runs of one world by their digests. The checkpoints say between which two entries the
 * histories part; a second pair of runs records that stretch, and the first entry that differs is what to
 * look at.
 */
import { CHECKPOINT_ENTRIES, type Checkpoint } from '../kernel/digest.ts';
import { leavesOf } from '../results/compare-values.ts';
import type { RunResult } from '../results/result.ts';
import type { TapEntry } from './run-types.ts';

/** Entries numbered from `from` up to, not including, `to` hold the first difference. */
export interface Difference {
  readonly from: number;
  readonly to: number;
}

/** What is compared of one run. */
export interface Replay {
  /** The last one is the end of the run. */
  readonly checkpoints: readonly Checkpoint[];
  readonly result: RunResult;
  /** The stretch asked for, empty when none was. */
  readonly entries: readonly TapEntry[];
}

/** Runs the world, recording the stretch when one is given. */
export type Replayer = (stretch?: Difference) => Promise<Replay>;

/**
 * Runs a world twice, by two ways of running it; undefined when both give one history and one result
 * document. Otherwise what differs first, in one line or two.
 */
export async function findNondeterminism(one: Replayer, other: Replayer): Promise<string | undefined> {
  const first = await one();
  const second = await other();
  const difference = firstDifference(first.checkpoints, second.checkpoints);
  if (difference === undefined) return firstDifferingField(first.result, second.result);
  const { from, to } = difference;
  const apart = `the runs part between entries ${from} and ${to} of the digest`;
  const entries = firstDifferingEntry((await one(difference)).entries, (await other(difference)).entries);
  if (entries === undefined) return `${apart}; recorded again, both agree there: it comes and goes`;
  const [left, right] = [describeEntry(entries.first), describeEntry(entries.second)];
  return `${apart}\nfirst differing event: ${left} | ${right}`;
}

/**
 * Where two histories part, or undefined when they are one. Each list ends with the checkpoint of the run's
 * end.
 */
export function firstDifference(a: readonly Checkpoint[], b: readonly Checkpoint[]): Difference | undefined {
  let from = 0;
  const length = Math.max(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a[i];
    const right = b[i];
    if (left === undefined || right === undefined) return { from, to: from + CHECKPOINT_ENTRIES };
    if (left.entries !== right.entries || left.digest !== right.digest) {
      return { from, to: Math.max(left.entries, right.entries) };
    }
    from = left.entries;
  }
  return undefined;
}

function firstDifferingField(a: RunResult, b: RunResult): string | undefined {
  const left = leavesOf(a);
  const right = leavesOf(b);
  for (const path of new Set([...left.keys(), ...right.keys()])) {
    const [x, y] = [left.get(path), right.get(path)];
    if (x === y) continue;
    return `equal histories, but ${path} of the results differs: ${JSON.stringify(x)} | ${JSON.stringify(y)}`;
  }
  return undefined;
}

/** The first entry in which two recordings of one stretch differ; a missing one is the end of that run. */
interface DifferingEntries {
  readonly first: TapEntry | undefined;
  readonly second: TapEntry | undefined;
}

/** Undefined when the recordings are equal. */
export function firstDifferingEntry(
  a: readonly TapEntry[],
  b: readonly TapEntry[],
): DifferingEntries | undefined {
  const length = Math.max(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [first, second] = [a[i], b[i]];
    if (first === undefined || second === undefined || describeEntry(first) !== describeEntry(second)) {
      return { first, second };
    }
  }
  return undefined;
}

/** One line: `entry 17 at 1250000 us: start (3, 0)`; `the end of the run` when missing. */
function describeEntry(entry: TapEntry | undefined): string {
  if (entry === undefined) return 'the end of the run';
  const { index, at, kind, first, second } = entry;
  return `entry ${index} at ${at} us: ${kind} (${first}, ${second})`;
}
