/** The conservation laws of the contract, recounted from the requests themselves. */
import { assert } from '../kernel/assert.ts';
import type { GatewayCounts, GatewayHeld } from './counts.ts';
import type { GatewayRequest, RequestState } from './request.ts';

/** Asserts that what a gateway counts is what its unfinished requests show; O(requests). */
export function assertConserved(counts: GatewayCounts, held: GatewayHeld, unfinished: Iterable<GatewayRequest>): void {
  const by: Record<RequestState, number> = {
    ...{ queued: 0, starting: 0, parked: 0, running: 0, 'backing-off': 0, finished: 0 },
  };
  let waits = 0;
  for (const request of unfinished) {
    const { state, attempt } = request;
    by[state]++;
    assert((state === 'running') === (attempt !== undefined), 'a request runs without a lease, or holds one otherwise');
    assert(attempt === undefined || attempt.state === 'running', 'a request holds a settled lease');
    assert(attempt === undefined || attempt.request === request, 'a request holds the lease of another');
    const waiting = request.waitIndex >= 0;
    if (waiting) waits++;
    assert(waiting || request.deadlineAt === Infinity, 'a request with a deadline waits for nothing');
    assert(!waiting || request.waitAt <= request.deadlineAt, 'a request waits beyond its deadline');
    assert(waiting || state !== 'backing-off', 'a request backs off without end');
  }
  const inside = by.parked + by.running + by['backing-off'];
  assert(by.finished === 0, 'a finished request is still in the gateway');
  assert(by.starting === 0, 'a request is left without an answer whether it starts');
  assert(by.running === held.leases, 'running requests differ from the leases held');
  assert(by.parked === held.parked, 'parked requests differ from their count');
  assert(by['backing-off'] === held.backingOff, 'requests backing off differ from their count');
  assert(by.queued === held.waiting, 'queued requests differ from the waiters of the queue');
  assert(held.admitted === inside, 'permits of the queue differ from requests parked, running or backing off');
  assert(held.charges <= by.queued + inside, 'a charge outlived its request');
  assert(waits === held.deadlines, 'a wait outlived its request');
  assert(counts.granted - counts.settled === held.leases, 'granted − settled differs from the leases held');
  assert(counts.arrived - counts.finished === by.queued + inside, 'arrived − finished differs from the requests held');
}
