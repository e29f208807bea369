/** What a gateway core counts and holds, as plain data for hosts, checks and results. */

/** What the core did since the last input, for the host CPU model. */
export interface Work {
  inputs: number;
  /** Router and queue selections. */
  selections: number;
  /** Grants, settlements and finishes. */
  bookkeeping: number;
  /** Σ over bookkeeping calls of the requests queued at that moment. */
  queuedWalked: number;
  /** The summands, where the core keeps them, for a host that rounds the cost of each call. */
  readonly walks?: readonly number[];
  /** Attempts or tasks started. */
  starts: number;
}

/** One input, nothing else yet. */
export function restart(work: Work): void {
  work.inputs = 1;
  work.selections = work.bookkeeping = work.queuedWalked = work.starts = 0;
}

/** Everything still held; all zero once the last request has finished. */
export interface GatewayHeld {
  readonly leases: number;
  readonly waiting: number;
  readonly admitted: number;
  /** Of the rate limit, not settled yet. */
  readonly charges: number;
  readonly parked: number;
  readonly backingOff: number;
  readonly deadlines: number;
}

/** Over the whole run. */
export interface GatewayCounts {
  arrived: number;
  finished: number;
  granted: number;
  settled: number;
  /** Ends of attempts settled before (a reply after its deadline or its cancellation): counted, otherwise ignored. */
  lateEnds: number;
}
