/** Wrong queues, gates and routers: each breaks one promise of the port. */
import { Fifo } from '../../../policies/queue/fifo.ts';
import type {
  AttemptView,
  FinishCause,
  Gate,
  Micros,
  PolicySet,
  QueueEffect,
  RequestView,
} from '../../../policies/types.ts';
import type { Plan, Planned } from '../../arbitrary/gateway-plans.ts';
import { ClosedUntil } from '../../harness/gateway-policies.ts';

/** Leaks the permit of a request whose second attempt was its last. */
class LeakyQueue extends Fifo {
  override leave(now: Micros, request: RequestView): void {
    if (request.attemptCount !== 2) super.leave(now, request);
  }
}

/** Sheds a waiter when the queue is full and lets it in later all the same. */
class ForgivingQueue extends Fifo {
  #full: RequestView | undefined;

  override offer(now: Micros, request: RequestView): 'admitted' | 'queued' | FinishCause {
    const answer = super.offer(now, request);
    if (answer === 'queue-full') this.#full = request;
    return answer;
  }

  override take(): QueueEffect | undefined {
    const request = this.#full;
    this.#full = undefined;
    return request === undefined ? super.take() : { kind: 'admit', request };
  }
}

/** Tells of an admission once more at the next grant. */
class StammeringQueue extends Fifo {
  #again: QueueEffect | undefined;

  override take(): QueueEffect | undefined {
    const effect = this.#again ?? super.take();
    this.#again = effect?.kind === 'admit' && effect !== this.#again ? effect : undefined;
    return effect;
  }
}

/** Forgets that a grown capacity lets waiters in. */
class DeafQueue extends Fifo {
  #least = Infinity;

  override capacityChanged(now: Micros, capacity: number): void {
    this.#least = Math.min(this.#least, capacity);
    super.capacityChanged(now, this.#least);
  }
}

/** Names a victim on each newcomer, whether it still runs or not. */
class VengefulQueue extends Fifo {
  #victim: AttemptView | undefined;
  #due = false;

  granted(_now: Micros, attempt: AttemptView): void {
    this.#victim = attempt;
  }

  override offer(now: Micros, request: RequestView): 'admitted' | 'queued' | FinishCause {
    const answer = super.offer(now, request);
    this.#due = answer === 'queued';
    return answer;
  }

  override take(): QueueEffect | undefined {
    const attempt = this.#victim;
    if (!this.#due || attempt === undefined) return super.take();
    this.#due = false;
    return { kind: 'preempt', attempt };
  }
}

/** Opens by time without saying when. */
class SilentGate extends ClosedUntil {
  override reconsiderAt(): Micros {
    return Infinity;
  }
}

/** Goes on naming the instant at which it opened. */
class RepeatingGate extends ClosedUntil {
  override reconsiderAt(): Micros {
    return this.openAt;
  }
}

export interface PolicyMutant {
  readonly name: string;
  readonly policies: (plan: Plan, planned: Planned) => PolicySet;
  readonly runs: number;
  readonly commands: number;
}

const queue =
  (Wrong: typeof Fifo) =>
  (plan: Plan, planned: Planned): PolicySet =>
    plan.queue === 'fifo'
      ? { ...planned.set, queue: new Wrong({ name: 'fifo', size: plan.waiters, timeout: plan.queueUs }) }
      : planned.set;
const gate =
  (make: () => Gate) =>
  (_plan: Plan, planned: Planned): PolicySet => ({ ...planned.set, gates: [...planned.set.gates, make()] });

export const policyMutants: readonly PolicyMutant[] = [
  { name: 'a queue leaks a permit when a retried request leaves', policies: queue(LeakyQueue), runs: 20, commands: 4 },
  { name: 'a queue admits a request that it has shed', policies: queue(ForgivingQueue), runs: 20, commands: 7 },
  { name: 'a queue admits twice', policies: queue(StammeringQueue), runs: 20, commands: 4 },
  { name: 'a queue never grows with the capacity', policies: queue(DeafQueue), runs: 20, commands: 4 },
  { name: 'a queue preempts what has ended', policies: queue(VengefulQueue), runs: 20, commands: 6 },
  { name: 'a gate opens without a word', policies: gate(() => new SilentGate(40)), runs: 200, commands: 4 },
  { name: 'a gate names an instant that is past', policies: gate(() => new RepeatingGate(40)), runs: 10, commands: 8 },
];
