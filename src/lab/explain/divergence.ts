/**
 * Where two runs part, and whose decision that was. The digests' checkpoints bound the first difference; both runs
 * are made again with that stretch recorded, and once more with the policies listened to from the checkpoint to the
 * entry that differs. The first question that both answer, and answer otherwise, is the cause; when the first
 * difference is in what they were asked, the worlds themselves differ.
 */
import type { Runner, TapEntry } from '../run-types.ts';
import type { ResolvedScenario } from '../resolve.ts';
import { type Difference, firstDifference, firstDifferingEntry } from '../determinism.ts';
import type { Decision } from './decision-log.ts';

export interface Divergence {
  /** Entries that both share. */
  readonly sharedEntries: number;
  /** The first entry of each that differs; undefined: its run is over. */
  readonly first: TapEntry | undefined;
  readonly second: TapEntry | undefined;
  /** The last entries before it, oldest first. */
  readonly before: readonly TapEntry[];
  /** The first decision that differs, of each; undefined where there was none. */
  readonly firstDecision: Decision | undefined;
  readonly secondDecision: Decision | undefined;
  /** Other decisions of that instant, up to it, that both took alike. */
  readonly alike: readonly Decision[];
}

/** Entries told before the first that differs. */
const BEFORE = 5;

/** Undefined: one history. Rejects as a run does. */
export async function findDivergence(
  run: Runner,
  a: ResolvedScenario,
  b: ResolvedScenario,
): Promise<Divergence | undefined> {
  const [first, second] = [await run(a), await run(b)];
  const stretch = firstDifference(first.checkpoints, second.checkpoints);
  if (stretch === undefined) return undefined;
  const [left, right] = [await entriesOf(run, a, stretch), await entriesOf(run, b, stretch)];
  const apart = firstDifferingEntry(left, right);
  if (apart === undefined) return undefined;
  const shared = (apart.first ?? apart.second)?.index ?? stretch.from;
  const until = Math.max(apart.first?.at ?? 0, apart.second?.at ?? 0);
  const from = left[0]?.at ?? right[0]?.at ?? 0;
  const [ours, theirs] = [await decisionsOf(run, a, from, until), await decisionsOf(run, b, from, until)];
  let same = 0;
  while (same < ours.length && same < theirs.length && sameDecision(ours[same], theirs[same])) same++;
  const decided = sameQuestion(ours[same], theirs[same]);
  const [firstDecision, secondDecision] = decided ? [ours[same], theirs[same]] : [undefined, undefined];
  const at = firstDecision?.at ?? secondDecision?.at;
  return {
    sharedEntries: shared,
    first: apart.first,
    second: apart.second,
    before: left.filter(({ index }) => index < shared).slice(-BEFORE),
    firstDecision,
    secondDecision,
    alike: ours.slice(0, same).filter((decision) => decision.at === at),
  };
}

async function entriesOf(run: Runner, world: ResolvedScenario, stretch: Difference): Promise<TapEntry[]> {
  const entries: TapEntry[] = [];
  await run(world, { tap: { ...stretch, record: (entry) => void entries.push(entry) } });
  return entries;
}

async function decisionsOf(run: Runner, world: ResolvedScenario, from: number, until: number): Promise<Decision[]> {
  const decisions: Decision[] = [];
  const wants = (at: number): boolean => at >= from && at <= until;
  await run(world, { decisions: { wants, decided: (decision) => void decisions.push(decision) } });
  return decisions;
}

/** Names of policies do not count: two that answer alike have decided alike. */
function sameDecision(a: Decision | undefined, b: Decision | undefined): boolean {
  return sameQuestion(a, b) && a?.answered === b?.answered;
}

/** Both were asked the same at the same instant. */
function sameQuestion(a: Decision | undefined, b: Decision | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const alike = a.at === b.at && a.role === b.role && a.method === b.method && a.asked.length === b.asked.length;
  return alike && a.asked.every((each, i) => each === b.asked[i]);
}
