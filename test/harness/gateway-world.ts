/** A gateway, its policies and its ledger under a list of commands: the contract is checked after each. */
import type { AttemptResult, Micros, PolicySet } from '../../policies/types.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import type { Attempt } from '../../src/gateway/request.ts';
import { type Command, WORKERS_MAX } from '../arbitrary/gateway-commands.ts';
import { type Plan, planned, type Planned, UNWANTED_TOKENS } from '../arbitrary/gateway-plans.ts';
import { loadReport } from '../policies/views.ts';
import { BROKEN, OK, requestInit } from './gateway-driver.ts';
import { Ledger, must } from './gateway-ledger.ts';

/** What a mutant replaces. */
export interface Suspect {
  readonly gateway?: typeof Gateway;
  readonly policies?: (plan: Plan, planned: Planned) => PolicySet;
}

export class GatewayWorld {
  readonly gateway: Gateway;
  readonly ledger = new Ledger();
  readonly #planned: Planned;
  readonly #set: PolicySet;
  #now: Micros = 0;
  #ids = 0;
  #known: readonly number[] = [];
  /** The capacity was turned and no input has come since. */
  #turned = false;
  #admitted = 0;

  constructor(plan: Plan, suspect: Suspect = {}) {
    this.#planned = planned(plan);
    this.#set = suspect.policies?.(plan, this.#planned) ?? this.#planned.set;
    this.gateway = new (suspect.gateway ?? Gateway)(this.ledger.listening(this.#set));
    this.#discover([...Array(plan.workers).keys()]);
    for (let worker = 0; worker < plan.workers; worker++) this.#status(worker, 'ready');
  }

  run(commands: readonly Command[]): void {
    for (const command of commands) this.perform(command);
    this.drain();
  }

  perform(command: Command): void {
    const { live, settled } = this.ledger;
    switch (command.do) {
      case 'arrive':
        return this.#arrive(command);
      case 'end':
        return this.#picked(live, command.pick, (attempt) => this.#end(attempt, command.result));
      case 'late end':
        return this.#picked(settled, command.pick, (attempt) => this.#lateEnd(attempt, command.result));
      case 'first token':
        return this.#picked([...live, ...settled], command.pick, (attempt) => this.#firstToken(attempt));
      case 'abandon':
        this.#enter(() => this.gateway.abandon(this.#now, command.pick % (this.#ids + 1)));
        return;
      case 'advance':
        this.#now += command.by;
        return;
      case 'until due':
        this.#passUntilDue();
        return;
      case 'wake':
        return this.#wake();
      case 'due':
        if (this.#passUntilDue()) this.#now += command.late;
        return this.#wake();
      case 'status':
        return this.#status(command.worker, command.status);
      case 'crash':
        return this.#crash(command.worker);
      case 'discover':
        return this.#discover(command.workers);
      case 'report':
        return this.#report(command);
      case 'reports end':
        this.#enter(() => this.gateway.reportsEnded(this.#now));
        return;
      case 'reconsider':
        this.#enter(() => this.gateway.reconsider(this.#now));
        return;
      case 'permits':
        if (this.#planned.knob === undefined) return;
        this.#planned.knob.max = command.max;
        this.#turned = true;
    }
  }

  #passUntilDue(): boolean {
    const at = this.gateway.nextWakeAt();
    if (at === Infinity) return false;
    this.#now = Math.max(this.#now, at);
    return true;
  }

  /** Heals the fleet, lets every attempt end well and time pass: nothing may be left. */
  drain(): void {
    const { gateway, ledger } = this;
    if (this.#planned.knob !== undefined) this.#planned.knob.max = 2;
    this.#discover([...Array(WORKERS_MAX).keys()]);
    for (let worker = 0; worker < WORKERS_MAX; worker++) this.#status(worker, 'ready');
    for (let steps = 200 + 50 * this.#ids; ; steps--) {
      must(steps > 0, 'a drained gateway goes on and on');
      const [oldest] = ledger.live;
      if (oldest !== undefined) this.#end(oldest, OK);
      else if (this.#passUntilDue()) this.#wake();
      else break;
    }
    must(Object.values(gateway.held()).every((count) => count === 0), 'a drained gateway holds something');
    must(ledger.inside.size === 0 && gateway.unfinished().length === 0, 'a request never finishes');
  }

  #arrive(command: Command & { do: 'arrive' }): void {
    const id = this.#ids++;
    const { priority, promptTokens } = command;
    this.ledger.arrive(id, this.#now + this.#set.timeouts.requestUs, promptTokens === UNWANTED_TOKENS);
    this.#enter(() => this.gateway.arrive(this.#now, requestInit(id, { priority, promptTokens })));
  }

  #end(attempt: Attempt, result: AttemptResult): void {
    this.ledger.ended(attempt, result.outcome === 'ok', result.bytesSent || attempt.bytesSent);
    this.#enter(() => this.gateway.end(this.#now, attempt, result));
  }

  #lateEnd(attempt: Attempt, result: AttemptResult): void {
    this.ledger.lateEnds++;
    this.#enter(() => this.gateway.end(this.#now, attempt, result));
  }

  #firstToken(attempt: Attempt): void {
    this.ledger.firstToken(attempt);
    this.#enter(() => this.gateway.firstToken(this.#now, attempt));
  }

  #status(worker: number, status: (typeof this.ledger.statuses)[number]): void {
    if (worker >= this.gateway.workers.length) return;
    if (this.#known.includes(worker)) this.ledger.statuses[worker] = status;
    this.#enter(() => this.gateway.workerStatus(this.#now, worker, status));
  }

  /** The worker is gone and so are the connections to it. */
  #crash(worker: number): void {
    this.#status(worker, 'failed');
    const lost = this.ledger.live.filter((attempt) => attempt.worker.index === worker);
    for (const attempt of lost) if (attempt.state === 'running') this.#end(attempt, BROKEN);
  }

  #discover(workers: readonly number[]): void {
    for (let worker = 0; worker < WORKERS_MAX; worker++) {
      if (!workers.includes(worker)) this.ledger.statuses[worker] = 'failed';
      else if (!this.#known.includes(worker)) this.ledger.statuses[worker] = 'pending';
    }
    this.#known = workers;
    this.#enter(() => this.gateway.discovered(this.#now, workers));
  }

  #report({ worker, rank, maxRunning }: Command & { do: 'report' }): void {
    if (worker >= this.gateway.workers.length) return;
    const used = { kvUsedBlocks: rank + worker, kvTotalBlocks: 8, prefillTokens: 9 };
    const report = loadReport({ maxRunning, running: 1, ...used });
    this.#enter(() => this.gateway.report(this.#now, worker, rank, report));
  }

  #wake(): void {
    const { gateway, ledger } = this;
    if (gateway.nextWakeAt() > this.#now && !this.#turned) {
      const before = this.#state();
      const seen = this.#enter(() => gateway.wake(this.#now));
      must(seen === 0 && this.#state() === before, 'a spurious wake does something');
      return;
    }
    // An admission that finds no worker and has no patience is due in the instant of the wake that brought it.
    for (let wakes = 0; wakes === 0 || gateway.nextWakeAt() <= this.#now; wakes++) {
      must(wakes < 4, 'a wake leaves something due again and again');
      this.#enter(() => gateway.wake(this.#now));
    }
    for (const entry of ledger.inside.values()) must(entry.deadlineAt > this.#now, 'a request outlives its deadline');
    const { attemptUs } = this.#set.timeouts;
    for (const lease of ledger.live) must(lease.startedAt + attemptUs > this.#now, 'an attempt outlives its deadline');
  }

  #state(): string {
    const { gateway } = this;
    return JSON.stringify([gateway.held(), gateway.counts, gateway.nextWakeAt(), this.ledger.picks]);
  }

  #picked(attempts: readonly Attempt[], pick: number, act: (attempt: Attempt) => void): void {
    const attempt = attempts[pick % attempts.length];
    if (attempt !== undefined) act(attempt);
  }

  /** Enters one input, takes its effects, checks everything; answers the number of effects. */
  #enter(input: () => void): number {
    const { gateway, ledger } = this;
    input();
    let seen = 0;
    for (let effect = gateway.take(); effect !== undefined; effect = gateway.take()) {
      ledger.perform(this.#now, effect);
      seen++;
    }
    this.#turned = false;
    gateway.checkInvariants();
    ledger.check();
    this.#agree();
    this.#keepGoing();
    return seen;
  }

  /** The gateway counts what was seen of it. */
  #agree(): void {
    const { gateway, ledger } = this;
    const { counts } = gateway;
    const held = gateway.held();
    must(counts.arrived === ledger.arrived, 'arrivals are not counted');
    must(counts.finished === ledger.arrived - ledger.inside.size, 'finishes are not counted');
    must(counts.lateEnds === ledger.lateEnds, 'late ends are not counted');
    if (this.#planned.charged) must(held.charges === ledger.inside.size, 'charges differ from the requests inside');
    must(held.leases === ledger.live.length, 'leases differ from attempts started and not ended');
    must(counts.settled === ledger.settled.length, 'settlements differ from attempts ended');
    const inFlight = gateway.workers.map(() => 0);
    for (const { worker } of ledger.live) inFlight[worker.index] = (inFlight[worker.index] ?? 0) + 1;
    for (const worker of gateway.workers) {
      must(worker.inFlight === inFlight[worker.index], 'a worker counts other leases than it has');
      must(worker.status === this.ledger.statuses[worker.index], 'a worker has another status than was said');
    }
    const idle = gateway.workers.every((worker) => worker.inFlightTokens === 0);
    must(idle === (ledger.live.length === 0), 'tokens stay in flight, or are not counted');
  }

  /** Nobody waits for what is there, and nobody got what is not. */
  #keepGoing(): void {
    const { gateway } = this;
    const { parked, waiting, admitted } = gateway.held();
    const grew = admitted > this.#admitted;
    this.#admitted = admitted;
    const next = gateway.nextWakeAt();
    must(!Number.isNaN(next), 'the next wake is no instant');
    const permits = this.#set.capacity.current();
    if (this.#planned.prompt) must(!grew || admitted <= permits, 'more requests are admitted than there are permits');
    if (next <= this.#now) return;
    if (this.#planned.prompt) must(waiting === 0 || admitted >= permits, 'a request waits for a permit that is free');
    if (parked === 0 || !this.#planned.willing) return;
    if (this.#planned.picky && [...this.ledger.inside.values()].some(({ unwanted }) => unwanted)) return;
    for (const worker of gateway.workers) {
      const free = worker.status === 'ready' && this.#set.gates.every((gate) => gate.allows(this.#now, worker));
      must(!free, 'a request waits for a worker that is free');
    }
  }
}
