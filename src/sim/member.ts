/** One worker of the fleet with what the world does to it, and what waits at its door while it stands still. */
import type { Probe } from '../../policies/health/types.ts';
import { assert } from '../kernel/assert.ts';
import { sampler } from '../kernel/distribution.ts';
import { type EventHandle, NO_EVENT } from '../kernel/event-queue.ts';
import type { Keyed, Rng } from '../kernel/rng.ts';
import type { SimWorker, WorkerGauges } from '../worker/worker.ts';
import type { CutFault, ErrorsFault, HangFault, MisreportFault, SaidLoad, TimedCutFault } from './fault-config.ts';
import type { SimAttempt } from './messages.ts';
import type { Quota } from './quota.ts';

/** A job, or its cancellation. */
export interface HeldMessage {
  readonly attempt: SimAttempt;
  readonly isCancel: boolean;
}

/** What strikes a share of attempts, in force. Each draws by itself: windows that overlap strike independently. */
export class ArmedStrike<Fault extends ErrorsFault | TimedCutFault> {
  readonly fault: Fault;
  readonly #draws: Keyed;

  constructor(fault: Fault, draws: Keyed) {
    this.fault = fault;
    this.#draws = draws;
  }

  strikes(attempt: SimAttempt): boolean {
    return this.#draws.at(attempt.lease.request.init.drawKey, attempt.drawTry).draw() < this.fault.ratio;
  }
}

/** Cuts in force. */
export class ArmedCut {
  readonly fault: CutFault;
  readonly #draws: Keyed;
  readonly #draw: Rng;
  readonly #afterTokens: () => number;

  constructor(fault: CutFault, draws: Keyed) {
    this.fault = fault;
    this.#draws = draws;
    this.#draw = draws.draw;
    this.#afterTokens = sampler(fault.afterTokens, draws.draw);
  }

  /** After how many tokens it cuts the attempt; Infinity: it does not. */
  after(attempt: SimAttempt): number {
    this.#draws.at(attempt.lease.request.init.drawKey, attempt.drawTry);
    return this.#draw() < this.fault.ratio ? this.#afterTokens() : Infinity;
  }
}

/** Load reports that say something else. Each draws by itself. */
export class ArmedMisreport {
  readonly fault: MisreportFault;
  readonly #draws: Keyed;

  constructor(fault: MisreportFault, draws: Keyed) {
    this.fault = fault;
    this.#draws = draws;
  }

  /** Puts what it says in place of what is so, in the share of reports that it befalls. */
  alter(report: SaidLoad, worker: number, round: number): void {
    const { ratio, says } = this.fault;
    if (ratio < 1 && this.#draws.at(worker, round).draw() >= ratio) return;
    Object.assign(report, says);
  }
}

export class Member {
  readonly index: number;
  readonly worker: SimWorker<SimAttempt>;
  readonly quota: Quota | undefined;
  /** The worker's own event, and what it is armed to. */
  event: EventHandle = NO_EVENT;
  armedAt = Infinity;
  armedPhase = -1;

  /** Reasons to refuse connections: crashes and restarts in force, a model that loads, not being of the fleet. */
  down = 0;
  /** `draining` until it is empty; `away`: left, or not there yet. */
  membership: 'in' | 'draining' | 'away' = 'in';
  /** It drains or has left, and the gateway is yet to hear of it. */
  unheard = false;
  /** In force; none while it is down. */
  readonly hangs = new Set<HangFault>();
  readonly heldBack: HeldMessage[] = [];
  readonly heldProbes: Probe[] = [];
  readonly slow: number[] = [];
  /** Of the link between its halves. */
  readonly linkFactors: number[] = [];
  readonly errors: ArmedStrike<ErrorsFault>[] = [];
  readonly cuts: ArmedCut[] = [];
  readonly timedCuts: ArmedStrike<TimedCutFault>[] = [];
  /** How far its clock is ahead, µs; negative: behind. */
  aheadUs = 0;
  readonly misreports: ArmedMisreport[] = [];
  /** Generated tokens at its last load report. */
  reportedTokens = 0;
  /** Of this reporting instant. */
  load: WorkerGauges | undefined = undefined;
  #toldLoad: WorkerGauges | undefined = undefined;

  constructor(index: number, worker: SimWorker<SimAttempt>, quota: Quota | undefined) {
    this.index = index;
    this.worker = worker;
    this.quota = quota;
  }

  /** Its process as a whole stands still. */
  get stuck(): boolean {
    for (const { scope } of this.hangs) if (scope === 'process') return true;
    return false;
  }

  /** It can report its load. */
  get speaks(): boolean {
    return this.down === 0 && !this.stuck;
  }

  /** Whether its load differs from that of the last time it did; the first one does. */
  loadChanged(): boolean {
    const { load } = this;
    const told = this.#toldLoad;
    this.#toldLoad = load;
    if (load === undefined || told === undefined) return load !== undefined;
    const names = Object.keys(load) as (keyof WorkerGauges)[];
    return names.some((name) => load[name] !== told[name]);
  }

  get empty(): boolean {
    const { running, waiting } = this.worker.held();
    return running + waiting + this.heldBack.length === 0;
  }

  checkInvariants(): void {
    assert(this.down >= 0, 'a worker came up more often than it went down');
    const atRest = this.hangs.size === 0 && this.empty;
    assert(this.down === 0 || atRest, 'a worker that is down holds work, or stands still');
    assert(this.heldBack.length === 0 || this.hangs.size > 0, 'something waits at the door of a worker that goes on');
    assert(this.heldProbes.length === 0 || this.stuck, 'a probe waits at a worker that goes on');
    assert(this.membership !== 'away' || this.down > 0, 'a worker that is away takes connections');
  }
}
