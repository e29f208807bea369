/**
 * Whether an engine schedules each iteration while the one before still runs, told from the instants of a log. Where it
 * does not, a request that is scheduled as soon as it is queued, with room for its whole prompt in one iteration, gets
 * its first token when that iteration ends, and nobody gets one in between. Where it does, the iteration that ran
 * already ends in between, and now and then that is somebody's first or last token.
 */

/** Instants in seconds of one request; `scheduledAt` undefined: not recorded. */
export interface RequestInstants {
  readonly promptTokens: number;
  readonly queuedAt: number;
  readonly scheduledAt: number | undefined;
  readonly firstTokenAt: number;
  readonly lastTokenAt: number;
}

export interface AheadEvidence {
  /** Requests that can tell. */
  readonly candidates: number;
  /** Of them, those that show it. */
  readonly showing: number;
}

/** Scheduled at once: instants of one turn of the engine's loop lie this near. */
const AT_ONCE_S = 1e-3;
/** Tokens of one iteration reach the log within this time of each other. */
const SAME_S = 2e-3;

export function aheadEvidence(requests: readonly RequestInstants[], maxBatchedTokens: number): AheadEvidence {
  const events = requests.flatMap(({ firstTokenAt, lastTokenAt }) => [firstTokenAt, lastTokenAt]).sort((a, b) => a - b);
  let candidates = 0;
  let showing = 0;
  for (const { queuedAt, scheduledAt, firstTokenAt } of requests) {
    if (scheduledAt === undefined || scheduledAt - queuedAt > AT_ONCE_S) continue;
    const at = queuedAt + SAME_S;
    let running = 0;
    let prompts = 0;
    for (const other of requests) {
      if (other.queuedAt > at) continue;
      if (other.firstTokenAt > at) prompts += other.promptTokens;
      else if (other.lastTokenAt > at) running++;
    }
    if (running === 0 || prompts + running > maxBatchedTokens) continue;
    candidates++;
    const next = events[firstAfter(events, at)] ?? Infinity;
    if (next < firstTokenAt - SAME_S) showing++;
  }
  return { candidates, showing };
}

/** Index of the first value greater than `at`. */
function firstAfter(sorted: readonly number[], at: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) > at) high = middle;
    else low = middle + 1;
  }
  return low;
}

const SHOWING_LEAST = 3;
const SHOWING_RATIO = 0.02;
/** So many that show nothing say that there is nothing to show. */
const CANDIDATES_ENOUGH = 50;

/** What the evidence says; undefined: not enough of it. */
export function schedulesAhead({ candidates, showing }: AheadEvidence): boolean | undefined {
  if (showing >= SHOWING_LEAST && showing >= SHOWING_RATIO * candidates) return true;
  return candidates >= CANDIDATES_ENOUGH && showing === 0 ? false : undefined;
}
