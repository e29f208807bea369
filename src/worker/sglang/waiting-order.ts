/**
 * Longest prefix first: who finds most of its tokens cached is admitted first, since its prefix may be evicted while
 * it waits. Requests that find little and begin like an earlier such one come last: that one's prefix will be cached
 * when its prompt is computed. The order is stable and stays for later passes. Looking everything up is dear, so a
 * long queue is taken as it stands.
 *
 * Facts: sgl-project/sglang, `managers/schedule_policy.py`; both thresholds of 32 tokens and the bound of 128.
 */
import type { SglangSequence } from './sglang-sequence.ts';

/** More waiting than this are not ordered. */
const ORDERED_MAX = 128;
/** Cached tokens up to which a request counts as finding little, and leading tokens that make two begin alike. */
const BEGIN_TOKENS = 32;
/** Behind every count of tokens found. */
const LAST = 1;

/** Orders `waiting` in place; `cachedTokens` looks one up in the cache. */
export function orderByPrefix<Owner>(
  waiting: SglangSequence<Owner>[],
  cachedTokens: (sequence: SglangSequence<Owner>) => number,
): void {
  if (waiting.length > ORDERED_MAX) return;
  const begins = new Set<number>();
  for (const sequence of waiting) {
    const cached = cachedTokens(sequence);
    sequence.rank = -cached;
    if (cached > BEGIN_TOKENS) continue;
    const begin = sequence.content.pageKey(0, BEGIN_TOKENS);
    if (begins.has(begin)) sequence.rank = LAST;
    else begins.add(begin);
  }
  waiting.sort((a, b) => a.rank - b.rank);
}
