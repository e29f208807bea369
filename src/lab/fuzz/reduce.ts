/**
 * What is left of a failing scenario once drawing knows nothing smaller: parts of the document are left out and counts
 * made small, one at a time and again from the start, as long as it fails alike. Bounded by tries, not by time.
 */
import { ScenarioError } from '../scenario-error.ts';
import type { Trial } from './bench.ts';
import { type Failure, isSameFailure } from './failure.ts';
import { type FuzzPool, STALLED_AGAIN_S } from './fuzz-pool.ts';
import type { ScenarioDocument } from './scenario-arbitrary.ts';

const TRIES_MAX = 600;
const HANG_TRIES_MAX = 6;
const EVENTS_MAX = 4_000_000;
/** Not parts of the world, or without which there is none. */
const KEPT: ReadonlySet<string> = new Set(['name', 'why', 'source', 'invariants', 'limits', 'recovery', 'seed']);
/** Counts that are brought down to the last one; others to a power of two. */
const COUNTS: ReadonlySet<string> = new Set(['requests', 'rows', 'users']);
/** Whole numbers that say no amount. */
const NO_COUNTS: ReadonlySet<string> = new Set(['seed', 'status', 'blockTokens', 'priority', 'worker', 'rate']);
/** All at once, and after the first load reports: what needs company needs fewer requests then. */
const AT_ONCE = { process: 'bursts', rate: 10, size: 50, first: '2s' } as const;

export interface Reduced {
  readonly document: ScenarioDocument;
  readonly trial: Trial;
  readonly tries: number;
}

/** The least scenario that is reached; the given one when there is nothing to leave out. */
export async function reduce(
  pool: FuzzPool,
  given: { readonly document: ScenarioDocument; readonly trial: Trial },
  failure: Failure,
): Promise<Reduced> {
  let { document, trial } = given;
  let [tries, events] = [0, 0];
  const isHang = failure.verdict === 'hang';
  const triesMax = isHang ? HANG_TRIES_MAX : TRIES_MAX;
  for (let again = true; again;) {
    again = false;
    for (const less of [...atOnce(document), ...fewer(document), ...lesser(document, 0)]) {
      if (tries >= triesMax || events > EVENTS_MAX || pool.aborted) return { document, trial, tries };
      tries++;
      const tried = await triedOn(pool, less as ScenarioDocument, failure, isHang ? STALLED_AGAIN_S : undefined);
      events += tried?.events ?? 0;
      if (tried === undefined || !isSameFailure(failure, tried.failure)) continue;
      [document, trial, again] = [less as ScenarioDocument, tried, true];
      break;
    }
  }
  return { document, trial, tries };
}

/** Undefined: what is left is no scenario. */
async function triedOn(
  pool: FuzzPool,
  document: ScenarioDocument,
  { verdict }: Failure,
  stalledS: number | undefined,
): Promise<Trial | undefined> {
  try {
    return await pool.trial(document, verdict === 'nondeterminism', stalledS);
  } catch (error) {
    if (error instanceof ScenarioError) return undefined;
    throw error;
  }
}

function atOnce(document: ScenarioDocument): ScenarioDocument[] {
  const workload = document['workload'] as Readonly<Record<string, unknown>>;
  const { process } = (workload['arrivals'] ?? { process: AT_ONCE.process }) as { readonly process: string };
  return process === AT_ONCE.process ? [] : [{ ...document, workload: { ...workload, arrivals: AT_ONCE } }];
}

/** The amount of work first: every later try is cheaper for it. */
function fewer(document: ScenarioDocument): ScenarioDocument[] {
  const workload = document['workload'] as Readonly<Record<string, unknown>>;
  const key = ['requests', 'rows'].find((each) => typeof workload[each] === 'number');
  if (key === undefined) return [];
  const most = workload[key] as number;
  const counts = [1, 2, 4, 8, Math.floor(most / 2), most - 1].filter((count) => count >= 1 && count < most);
  return counts.map((count) => ({ ...document, workload: { ...workload, [key]: count } }));
}

/** Every value that is this one with one part less, the largest parts first. */
function* lesser(value: unknown, depth: number): Generator {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    const list = value as readonly unknown[];
    if (list.length > 1) for (const i of list.keys()) yield list.filter((_, place) => place !== i);
    for (const [i, member] of list.entries()) {
      for (const less of lesser(member, depth + 1)) yield list.map((each, place) => (place === i ? less : each));
    }
    return;
  }
  const record = value as Readonly<Record<string, unknown>>;
  const keys = Object.keys(record).filter((key) => depth > 0 || !KEPT.has(key));
  for (const key of keys) {
    if (depth === 0 && (key === 'fleet' || key === 'workload')) continue;
    yield Object.fromEntries(Object.entries(record).filter(([other]) => other !== key));
  }
  for (const key of keys) {
    const member = record[key];
    if (Number.isInteger(member) && !NO_COUNTS.has(key)) {
      const most = member as number;
      for (const count of new Set([1, Math.floor(most / 2), ...(COUNTS.has(key) ? [most - 1] : [])])) {
        if (count >= 1 && count < most) yield { ...record, [key]: count };
      }
    } else for (const less of lesser(member, depth + 1)) yield { ...record, [key]: less };
  }
}
