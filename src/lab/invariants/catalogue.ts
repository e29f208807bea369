/** The invariants that come with Spillway, in the order in which they are listed. */
import { attemptsBounded } from './attempts-bounded.ts';
import { attemptsEndOnce } from './attempts-end-once.ts';
import { backoffKept } from './backoff-kept.ts';
import { callsWithinCap } from './calls-within-cap.ts';
import { capacityHeeded } from './capacity-heeded.ts';
import { failedWorkersAvoided } from './failed-workers-avoided.ts';
import { fleetKnown } from './fleet-known.ts';
import { freePermitsUsed } from './free-permits-used.ts';
import { gatesReopen } from './gates-reopen.ts';
import { goodputRecovers } from './goodput-recovers.ts';
import type { Invariant } from './invariant.ts';
import { leasesToldOnce } from './leases-told-once.ts';
import { limitsRecover } from './limits-recover.ts';
import { noIdleWait } from './no-idle-wait.ts';
import { noOvertaking } from './no-overtaking.ts';
import { nothingHeld } from './nothing-held.ts';
import { parkedLookedAt } from './parked-looked-at.ts';
import { permitsWithinCapacity } from './permits-within-capacity.ts';
import { picksCarriedOut } from './picks-carried-out.ts';
import { queueAnswersOnce } from './queue-answers-once.ts';
import { queueWithinSize } from './queue-within-size.ts';
import { rateLimitsHeeded } from './rate-limits-heeded.ts';
import { requestsEndOnce } from './requests-end-once.ts';
import { reservationsKept } from './reservations-kept.ts';
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
  freePermitsUsed,
  noOvertaking,
  reservationsKept,
  capacityHeeded,
  rateLimitsHeeded,
  picksCarriedOut,
  failedWorkersAvoided,
  fleetKnown,
  leasesToldOnce,
  parkedLookedAt,
  gatesReopen,
  attemptsBounded,
  backoffKept,
  retryAfterObeyed,
  workersWithinBounds,
  rowsEndOnce,
  unsentRowsKept,
  callsWithinCap,
  noIdleWait,
  limitsRecover,
  timeAdvances,
  nothingHeld,
  goodputRecovers,
];
