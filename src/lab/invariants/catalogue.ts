/** The invariants that come with Spillway, in the order in which they are listed. */
import { attemptsBounded } from './attempts-bounded.ts';
import { attemptsEndOnce } from './attempts-end-once.ts';
import { backoffKept } from './backoff-kept.ts';
import { callsWithinCap } from './calls-within-cap.ts';
import { goodputRecovers } from './goodput-recovers.ts';
import type { Invariant } from './invariant.ts';
import { noOvertaking } from './no-overtaking.ts';
import { nothingHeld } from './nothing-held.ts';
import { permitsWithinCapacity } from './permits-within-capacity.ts';
import { queueAnswersOnce } from './queue-answers-once.ts';
import { queueWithinSize } from './queue-within-size.ts';
import { requestsEndOnce } from './requests-end-once.ts';
import { retryAfterObeyed } from './retry-after-obeyed.ts';
import { rowsEndOnce } from './rows-end-once.ts';
import { terminalIsFinal } from './terminal-is-final.ts';
import { timeAdvances } from './time-advances.ts';
import { tokensExact } from './tokens-exact.ts';
import { unsentRowsKept } from './unsent-rows-kept.ts';
import { waitsBounded } from './waits-bounded.ts';
import { workersWithinBounds } from './workers-within-bounds.ts';

export const invariants: readonly Invariant[] = [
  requestsEndOnce,
  attemptsEndOnce,
  terminalIsFinal,
  tokensExact,
  queueAnswersOnce,
  permitsWithinCapacity,
  queueWithinSize,
  waitsBounded,
  noOvertaking,
  attemptsBounded,
  backoffKept,
  retryAfterObeyed,
  workersWithinBounds,
  rowsEndOnce,
  unsentRowsKept,
  callsWithinCap,
  timeAdvances,
  nothingHeld,
  goodputRecovers,
];
