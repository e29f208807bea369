/**
 * What faults do to the members of the fleet, when they begin and at each later step. A fault changes a member's state
 * and leaves the consequences for attempts, probes and news to the worker side.
 */
import { PHASE } from '../kernel/event-queue.ts';
import { Keyed } from '../kernel/rng.ts';
import type { DrainFault, FaultConfig, WorkerFault } from './fault-config.ts';
import { ArmedCut, ArmedMisreport, ArmedStrike, type Member } from './member.ts';
import type { FleetNews } from './messages.ts';
import { EVENT, type Timeline } from './timeline.ts';

/** Kinds that strike by chance. */
const DRAWING: readonly FaultConfig['kind'][] = ['errors', 'cut', 'timed-cut', 'misreport'];

/**
 * `over`: the window ends. `noticed`: the gateway hears of a drain. `bound`: it has lasted long enough. `loaded`: a
 * worker has its model.
 */
export interface FaultStep {
  readonly fault: WorkerFault;
  readonly step: 'over' | 'noticed' | 'bound' | 'loaded';
}

/** What a fault may have done. */
export interface FaultTargets {
  /** Everything in the worker and at its door is lost; a hang is over. */
  loseAll(member: Member): void;
  /** The worker's next event may be another one now; what it did goes out. */
  settle(member: Member): void;
  /** The worker goes on: what waited at its door comes in. */
  admitHeld(member: Member): void;
  /** Its process goes on: probes that waited are answered. */
  answerHeld(member: Member): void;
  /** A crash or its end, which a health check may notice. */
  noticeable(member: Member): void;
  news(member: Member, event: FleetNews['event']): void;
}

export class WorkerFaults {
  readonly #seed: number;
  /** Places in the list of those that draw: equal windows strike independently. */
  readonly #places = new Map<FaultConfig, number>();
  readonly #members: readonly Member[];
  readonly #timeline: Timeline;
  readonly #targets: FaultTargets;

  constructor(
    seed: number,
    faults: readonly FaultConfig[],
    members: readonly Member[],
    timeline: Timeline,
    targets: FaultTargets,
  ) {
    this.#seed = seed;
    this.#members = members;
    this.#timeline = timeline;
    this.#targets = targets;
    faults.forEach((fault, place) => {
      if (DRAWING.includes(fault.kind)) this.#places.set(fault, place);
      if (fault.kind === 'join') this.#notYetThere(this.#member(fault.worker));
    });
  }

  begin(fault: WorkerFault): void {
    const member = this.#member(fault.worker);
    switch (fault.kind) {
      case 'crash':
      case 'restart':
        member.down++;
        this.#targets.loseAll(member);
        if (fault.kind === 'crash') this.#targets.noticeable(member);
        else this.#targets.news(member, 'restarted');
        break;
      case 'hang':
        // Where no process runs, none can stand still.
        if (member.down > 0) return;
        if (member.hangs.size === 0) member.worker.pause(this.#timeline.now);
        member.hangs.add(fault);
        this.#targets.settle(member);
        break;
      case 'half':
        member.worker.halves?.lose(this.#timeline.now, fault.side);
        this.#targets.settle(member);
        break;
      case 'link':
        member.linkFactors.push(fault.factor);
        this.#applyLink(member);
        break;
      case 'slow':
        member.slow.push(fault.factor);
        this.#applySlow(member);
        break;
      case 'errors':
        member.errors.push(new ArmedStrike(fault, this.#draws(fault)));
        break;
      case 'cut':
        member.cuts.push(new ArmedCut(fault, this.#draws(fault)));
        break;
      case 'timed-cut':
        member.timedCuts.push(new ArmedStrike(fault, this.#draws(fault)));
        break;
      case 'skew':
        member.aheadUs += fault.aheadUs;
        break;
      case 'misreport':
        member.misreports.push(new ArmedMisreport(fault, this.#draws(fault)));
        break;
      case 'join':
        this.#joins(member, fault);
        return;
      case 'drain':
        if (member.membership !== 'in') return;
        this.#drains(member, fault);
        break;
      default:
        fault satisfies never;
    }
    if (fault.forUs !== Infinity) this.#later(fault.forUs, { fault, step: 'over' });
  }

  step({ fault, step }: FaultStep): void {
    const member = this.#member(fault.worker);
    switch (step) {
      case 'over':
        this.#over(member, fault);
        break;
      case 'noticed':
        if (!member.unheard) break;
        member.unheard = false;
        this.#targets.news(member, member.membership === 'draining' ? 'draining' : 'left');
        break;
      case 'bound':
        if (member.membership === 'draining') this.#targets.loseAll(member);
        break;
      case 'loaded':
        this.#up(member);
        break;
      default:
        step satisfies never;
    }
  }

  /** A draining worker without work leaves the fleet, unless it stands still. Asked whenever it was settled. */
  leaveIfEmpty(member: Member): void {
    if (member.membership !== 'draining' || member.hangs.size > 0 || !member.empty) return;
    member.membership = 'away';
    member.down++;
    if (!member.unheard) this.#targets.news(member, 'left');
  }

  #over(member: Member, fault: WorkerFault): void {
    switch (fault.kind) {
      case 'crash':
        member.down--;
        this.#targets.noticeable(member);
        break;
      case 'restart':
        this.#up(member);
        break;
      case 'hang':
        // A crash may have ended it before.
        if (!member.hangs.delete(fault)) break;
        if (member.hangs.size === 0) {
          member.worker.resume(this.#timeline.now);
          this.#targets.admitHeld(member);
        }
        if (!member.stuck) this.#targets.answerHeld(member);
        break;
      case 'half':
        member.worker.halves?.restore(this.#timeline.now, fault.side);
        break;
      case 'link':
        member.linkFactors.splice(member.linkFactors.indexOf(fault.factor), 1);
        this.#applyLink(member);
        break;
      case 'slow':
        member.slow.splice(member.slow.indexOf(fault.factor), 1);
        this.#applySlow(member);
        break;
      case 'errors':
        removeFault(member.errors, fault);
        break;
      case 'cut':
        removeFault(member.cuts, fault);
        break;
      case 'timed-cut':
        removeFault(member.timedCuts, fault);
        break;
      case 'skew':
        member.aheadUs -= fault.aheadUs;
        break;
      case 'misreport':
        removeFault(member.misreports, fault);
        break;
      case 'drain':
        if (member.membership === 'draining') this.#targets.loseAll(member);
        this.#joins(member, fault);
        break;
      case 'join':
        break;
      default:
        fault satisfies never;
    }
  }

  #notYetThere(member: Member): void {
    member.membership = 'away';
    member.down++;
  }

  #drains(member: Member, fault: DrainFault): void {
    member.membership = 'draining';
    const { noticeUs = 0 } = fault;
    member.unheard = noticeUs > 0;
    if (member.unheard) this.#later(noticeUs, { fault, step: 'noticed' });
    else this.#targets.news(member, 'draining');
    this.#later(fault.boundUs, { fault, step: 'bound' });
    this.#targets.settle(member);
  }

  /** The worker is of the fleet (again) and loads its model; it was down for being away, and is for that now. */
  #joins(member: Member, fault: Extract<WorkerFault, { loadUs: number }>): void {
    member.membership = 'in';
    member.unheard = false;
    this.#targets.news(member, 'joined');
    this.#later(fault.loadUs, { fault, step: 'loaded' });
  }

  #up(member: Member): void {
    member.down--;
    if (member.down === 0) this.#targets.news(member, 'ready');
  }

  #applySlow(member: Member): void {
    const factor = member.slow.reduce((product, each) => product * each, 1);
    member.worker.slowDown(this.#timeline.now, factor);
    this.#targets.settle(member);
  }

  #applyLink(member: Member): void {
    const factor = member.linkFactors.reduce((product, each) => product * each, 1);
    member.worker.halves?.throttle(this.#timeline.now, factor);
    this.#targets.settle(member);
  }

  #draws(fault: FaultConfig): Keyed {
    return new Keyed(this.#seed, `faults/${this.#places.get(fault)}`);
  }

  #later(us: number, step: FaultStep): void {
    this.#timeline.push(this.#timeline.now + us, PHASE.fault, EVENT.faultStep, step);
  }

  #member(index: number): Member {
    return this.#members[index] as Member;
  }
}

function removeFault<F>(from: { readonly fault: F }[], fault: F): void {
  from.splice(
    from.findIndex((armed) => armed.fault === fault),
    1,
  );
}
