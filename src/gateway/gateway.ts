/**
 * The online core: request → attempts → outcome. It composes the policies of one `PolicySet` and owns what no policy
 * may: leases, deadlines and the promise that every request finishes once.
 *
 * A request is queued (in the queue keeper), parked (admitted, no worker accepts it yet), running (one lease), backing
 * off (its permit held, its next attempt timed) or finished. Each method below is one input; the transitions it causes
 * are finished when it returns, and what the host must do waits in the outbox. There is one `#grant` and one `#settle`,
 * so a lease has one place to leak; every request has at most one wait in one heap.
 *
 * A parked request waits `timeouts.workerUs` at most and then is shed: `no-worker` when no worker is ready, `all-busy`
 * when gates or the router turned the ready ones down. One that the router refuses is shed at once, as `no-worker`.
 * Parked requests keep their order: a newcomer parks behind them, and one whose time is up leaves before any of them
 * starts. They are looked at again when something may let one in: a settled lease, news of a worker, the departure of
 * one of them, an operator's `reconsider`, or the instant a gate named in `reconsiderAt`, whichever input comes first
 * then. A retry that could only start at or after the request's deadline is not waited for: the request fails at once.
 */
import { assert } from '../kernel/assert.ts';
import type {
  AttemptResult,
  FinishCause,
  FinishReason,
  LoadReport,
  Micros,
  PolicySet,
  QueueEffect,
  WorkerStatus,
} from '../../policies/types.ts';
import { assertConserved } from './conservation.ts';
import { type GatewayCounts, type GatewayHeld, restart, type Work } from './counts.ts';
import { CANCELLED, causeOf, type Ending, endingOf, reasonOf, TIMED_OUT } from './endings.ts';
import { Entrance } from './entrance.ts';
import { type Choice, Fleet } from './fleet.ts';
import type { Effect } from './host.ts';
import { Line } from './line.ts';
import { Observers } from './observers.ts';
import { Outbox } from './outbox.ts';
import { Attempt, GatewayRequest, type GatewayWorker, type RequestInit } from './request.ts';
import { Roster } from './roster.ts';
import type { GatewayParts } from './snapshot.ts';
import { WaitHeap } from './wait-heap.ts';

/** Inputs are methods, outputs are records. Every input must be followed by `take` until it answers undefined. */
export class Gateway<Init extends RequestInit = RequestInit> {
  readonly counts: GatewayCounts = { arrived: 0, finished: 0, granted: 0, settled: 0, lateEnds: 0 };
  readonly #policies: PolicySet;
  readonly #observers: Observers;
  readonly #entrance: Entrance;
  readonly #fleet: Fleet;
  readonly #roster = new Roster<Init>();
  readonly #waits = new WaitHeap<GatewayRequest<Init>>();
  readonly #parked = new Line<GatewayRequest<Init>>();
  /** `reconsiderAt`: when gates may let a parked request in by time alone. */
  readonly #sums = { running: 0, backingOff: 0, now: 0, reconsiderAt: Infinity };
  #pumpDue = false;
  readonly #outbox = new Outbox<Effect<Init>>();
  readonly #work: Work = { inputs: 0, selections: 0, bookkeeping: 0, queuedWalked: 0, starts: 0 };

  constructor(policies: PolicySet) {
    const { requestUs, attemptUs, workerUs } = policies.timeouts;
    assert(requestUs > 0 && attemptUs > 0 && workerUs >= 0, 'a timeout is over before it began');
    this.#policies = policies;
    this.#observers = new Observers(policies);
    this.#entrance = new Entrance(policies);
    this.#fleet = new Fleet(policies, this.#observers);
  }

  /** The fleet as the gateway sees it, by index. */
  get workers(): readonly GatewayWorker[] {
    return this.#fleet.workers;
  }

  /** All known workers, with their names in the same order; first of all inputs. News of others is ignored. */
  discovered(now: Micros, workers: readonly number[], names: readonly string[] = []): void {
    this.#enter(now);
    this.#fleet.discovered(now, workers, names);
    this.#leave(now, true);
  }

  /** A worker's number of data-parallel ranks. */
  configured(now: Micros, worker: number, ranks: number): void {
    this.#enter(now);
    this.#leave(now, this.#fleet.configured(now, worker, ranks));
  }

  workerStatus(now: Micros, worker: number, status: WorkerStatus): void {
    this.#enter(now);
    this.#leave(now, this.#fleet.statusChanged(now, worker, status));
  }

  report(now: Micros, worker: number, rank: number, report: LoadReport): void {
    this.#enter(now);
    this.#leave(now, this.#fleet.reported(now, worker, rank, report));
  }

  reportsEnded(now: Micros): void {
    this.#enter(now);
    this.#observers.reportsEnded(now);
    this.#leave(now, true);
  }

  /** An operator turned a policy (the thresholds of a gate, say): those who wait for a worker are asked about again. */
  reconsider(now: Micros): void {
    this.#enter(now);
    this.#leave(now, true);
  }

  arrive(now: Micros, init: Init): void {
    this.#enter(now);
    // Waiters whom a grown capacity lets in go before the newcomer.
    this.#followUp(now);
    const request = new GatewayRequest(init, now, now + this.#policies.timeouts.requestUs);
    this.#roster.enter(request);
    this.counts.arrived++;
    const answer = this.#entrance.offer(now, request);
    if (answer === 'admitted') this.#start(now, request);
    else if (answer === 'queued') this.#waits.set(request, request.deadlineAt);
    else this.#finish(now, request, 'shed', answer);
    this.#leave(now, false);
  }

  /** The first byte of the reply went to the client. Ignored when the attempt is settled. */
  firstToken(now: Micros, attempt: Attempt<Init>): void {
    this.#enter(now);
    if (attempt.state === 'running' && !attempt.bytesSent) {
      attempt.bytesSent = true;
      this.#observers.firstToken(now, attempt);
    }
    this.#leave(now, false);
  }

  /** An attempt ended. A late end (the attempt was settled before) is counted and changes nothing. */
  end(now: Micros, attempt: Attempt<Init>, ended: AttemptResult): void {
    this.#enter(now);
    if (attempt.state === 'settled') {
      this.counts.lateEnds++;
    } else {
      const result = attempt.bytesSent && !ended.bytesSent ? { ...ended, bytesSent: true } : ended;
      this.#settle(now, attempt, result);
      if (result.outcome === 'ok') this.#finish(now, attempt.request, 'ok', 'none');
      else this.#failed(now, attempt.request, result);
    }
    this.#leave(now, false);
  }

  /** The client went away. Ignored when the request is unknown or finished. */
  abandon(now: Micros, requestId: number): void {
    this.#enter(now);
    const request = this.#roster.find(requestId);
    if (request !== undefined) {
      this.#cancelAttempt(now, request, CANCELLED);
      this.#finish(now, request, 'cancelled', 'client');
    }
    this.#leave(now, false);
  }

  /** What became due. Spurious calls do nothing. */
  wake(now: Micros): void {
    this.#enter(now);
    for (let due = this.#waits.peek(); due !== undefined && due.waitAt <= now; due = this.#waits.peek()) {
      this.#waitOver(now, due);
      this.#followUp(now);
    }
    this.#entrance.wake(now);
    this.#leave(now, false);
  }

  take(): Effect<Init> | undefined {
    return this.#outbox.take();
  }

  /** What was done since the last input; read it before the next one. */
  work(): Readonly<Work> {
    return this.#work;
  }

  /** Earliest instant at which `wake` would do something; Infinity when idle. */
  nextWakeAt(): Micros {
    return Math.min(this.#waits.nextAt, this.#entrance.nextWakeAt(), this.#sums.reconsiderAt);
  }

  held(): GatewayHeld {
    const core = { leases: this.#sums.running, parked: this.#parked.size, backingOff: this.#sums.backingOff };
    return { ...core, ...this.#entrance.held(), deadlines: this.#waits.size };
  }

  /** What it is made of, for snapshot.ts alone: to be written down or filled between two inputs. */
  parts(): GatewayParts<Init> {
    const parts = { fleet: this.#fleet, entrance: this.#entrance, roster: this.#roster, waits: this.#waits };
    return { ...parts, parked: this.#parked, counts: this.counts, sums: this.#sums };
  }

  /** Ids of the requests not finished, oldest first. */
  unfinished(): readonly number[] {
    return this.#roster.ids();
  }

  /** Asserts the conservation laws of the contract; O(requests in the gateway). */
  checkInvariants(): void {
    assertConserved(this.counts, this.held(), this.#roster.values());
    assert(this.#fleet.checkedInFlight() === this.#sums.running, 'Σ worker.inFlight differs from the leases held');
    this.#waits.checkInvariants();
  }

  #enter(now: Micros): void {
    assert(now >= this.#sums.now, 'now went backwards at the gateway');
    assert(this.#outbox.drained, 'the gateway was entered before its effects were taken');
    this.#sums.now = now;
    restart(this.#work);
    this.#entrance.refresh(now);
  }

  /** Ends an input; `pump`: what it brought may let a parked request start. */
  #leave(now: Micros, pump: boolean): void {
    this.#entrance.refresh(now);
    this.#pumpDue ||= pump || this.#sums.reconsiderAt <= now;
    this.#followUp(now);
    this.#sums.reconsiderAt = this.#parked.size > 0 ? this.#fleet.reconsiderAt(now) : Infinity;
    assert(this.#sums.reconsiderAt > now, 'a gate asks to be reconsidered at an instant that has come');
  }

  /** Carries out what the queue decided and starts parked requests until nothing more changes. */
  #followUp(now: Micros): void {
    for (;;) {
      const effect = this.#entrance.take();
      if (effect !== undefined) this.#queueEffect(now, effect);
      else if (this.#pumpDue) this.#pump(now);
      else return;
    }
  }

  #queueEffect(now: Micros, effect: QueueEffect): void {
    this.#work.selections++;
    switch (effect.kind) {
      case 'admit':
        this.#start(now, this.#roster.queued(effect.request.id));
        break;
      case 'shed':
        this.#finish(now, this.#roster.queued(effect.request.id), 'shed', effect.cause);
        break;
      case 'preempt': {
        const request = this.#roster.known(effect.attempt.request.id);
        assert(request.attempt?.id === effect.attempt.id, 'the queue preempts an attempt that does not run');
        this.#cancelAttempt(now, request, CANCELLED);
        this.#finish(now, request, 'shed', 'preempted');
        break;
      }
      default:
        effect satisfies never;
    }
  }

  /** An admitted request wants a worker. Its deadline beats an admission of the same instant. */
  #start(now: Micros, request: GatewayRequest<Init>): void {
    request.state = 'starting';
    if (request.deadlineAt <= now) {
      this.#finish(now, request, 'timeout', 'deadline');
      return;
    }
    const choice = this.#parked.size > 0 ? 'wait' : this.#choose(now, request);
    if (choice === 'refuse') {
      this.#finish(now, request, 'shed', 'no-worker');
    } else if (choice === 'wait') {
      request.state = 'parked';
      this.#parked.join(request);
      this.#waits.set(request, Math.min(request.deadlineAt, now + this.#policies.timeouts.workerUs));
    } else {
      this.#grant(now, request, choice);
    }
  }

  #choose(now: Micros, request: GatewayRequest<Init>): Choice {
    this.#work.selections++;
    return this.#fleet.choose(now, request);
  }

  /** Starts parked requests, oldest first, until one finds no worker. One whose time is up is not started any more. */
  #pump(now: Micros): void {
    this.#pumpDue = false;
    for (let head = this.#parked.head; head !== undefined; head = this.#parked.head) {
      if (head.waitIndex >= 0 && head.waitAt <= now) {
        this.#waitOver(now, head);
        continue;
      }
      const choice = this.#choose(now, head);
      if (choice === 'wait') return;
      if (choice === 'refuse') {
        this.#finish(now, head, 'shed', 'no-worker');
        continue;
      }
      this.#parked.leave(head);
      this.#grant(now, head, choice);
    }
  }

  #grant(now: Micros, request: GatewayRequest<Init>, worker: GatewayWorker): void {
    const attempt = new Attempt(this.counts.granted++, request, worker, now);
    request.state = 'running';
    request.attempt = attempt;
    request.attemptCount++;
    request.triedWorkers.push(worker.index);
    worker.count(request, 1);
    this.#sums.running++;
    this.#waits.set(request, Math.min(request.deadlineAt, now + this.#policies.timeouts.attemptUs));
    this.#observers.granted(now, attempt);
    this.#bookkept();
    this.#work.starts++;
    this.#outbox.push({ kind: 'start', attempt });
  }

  #settle(now: Micros, attempt: Attempt<Init>, result: AttemptResult): void {
    assert(attempt.state === 'running', 'a lease was settled twice');
    attempt.state = 'settled';
    attempt.result = result;
    const { request, worker } = attempt;
    request.attempt = undefined;
    request.usedTokens = result.usedTokens ?? -1;
    worker.count(request, -1);
    this.#sums.running--;
    this.counts.settled++;
    this.#observers.settled(now, attempt, result);
    this.#bookkept();
    this.#pumpDue = true;
  }

  /** Settles the lease of a running request and tells the host to stop the attempt. */
  #cancelAttempt(now: Micros, request: GatewayRequest<Init>, ending: Ending): AttemptResult | undefined {
    const { attempt } = request;
    if (attempt === undefined) return undefined;
    const result = endingOf(ending, attempt.bytesSent);
    this.#settle(now, attempt, result);
    this.#outbox.push({ kind: 'cancel', attempt });
    return result;
  }

  /** After a settled attempt that was not ok: another one later, at once, or never. */
  #failed(now: Micros, request: GatewayRequest<Init>, result: AttemptResult): void {
    request.lastFailure = result;
    const delayUs = result.bytesSent ? -1 : this.#policies.retry.delayUs(now, request, result);
    if (delayUs < 0 || now + delayUs >= request.deadlineAt) {
      this.#finish(now, request, reasonOf(result), causeOf(result));
    } else if (delayUs === 0) {
      this.#start(now, request);
    } else {
      request.state = 'backing-off';
      this.#sums.backingOff++;
      this.#waits.set(request, now + delayUs);
    }
  }

  #waitOver(now: Micros, request: GatewayRequest<Init>): void {
    if (request.deadlineAt <= now) {
      this.#cancelAttempt(now, request, TIMED_OUT);
      this.#finish(now, request, 'timeout', 'deadline');
      return;
    }
    switch (request.state) {
      case 'running':
        this.#failed(now, request, this.#cancelAttempt(now, request, TIMED_OUT) as AttemptResult);
        break;
      case 'backing-off':
        this.#sums.backingOff--;
        this.#start(now, request);
        break;
      case 'parked':
        this.#finish(now, request, 'shed', this.#fleet.anyReady() ? 'all-busy' : 'no-worker');
        break;
      case 'queued':
      case 'starting':
      case 'finished':
        assert(false, 'a wait outlived its state');
        break;
      default:
        request.state satisfies never;
    }
  }

  #finish(now: Micros, request: GatewayRequest<Init>, reason: FinishReason, cause: FinishCause): void {
    assert(request.state !== 'finished', 'a request finished twice');
    assert(request.attempt === undefined, 'a request finished while it holds a lease');
    if (request.state === 'parked') {
      this.#parked.leave(request);
      this.#pumpDue = true;
    }
    if (request.state === 'backing-off') this.#sums.backingOff--;
    request.state = 'finished';
    this.#waits.set(request, Infinity);
    this.#roster.leave(request);
    this.counts.finished++;
    this.#entrance.leave(now, request);
    this.#bookkept();
    this.#outbox.push({ kind: 'finish', request, reason, cause });
  }

  #bookkept(): void {
    this.#work.bookkeeping++;
    this.#work.queuedWalked += this.#entrance.waiting;
  }
}
