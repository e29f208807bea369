/**
 * Clients that send their request again when the answer is none: any other workload, with what it asked for sent
 * once more as often as a rule says. This is the outer loop that a gateway does not own and that keeps an overload
 * alive: the slower it answers, the more it is asked.
 *
 * Each send is a request of its own to the gateway; what the client asked, however often, is one ask. Sends of one ask
 * share the key of the world's draws, so that policies meet the same service times whoever else was sent again. The
 * workload inside hears of an ask once, when it is over: a closed-loop user thinks after that.
 */
import { assert } from '../kernel/assert.ts';
import { EventQueue, PHASE } from '../kernel/event-queue.ts';
import type { Answer, Arrival, Workload } from './arrival.ts';

/** Above any count of attempts of one send. */
const TRIES_PER_SEND = 1024;

/** What a client asked once. */
export interface Ask {
  /** Unique in the run, from 0 in order of first sends. */
  readonly id: number;
  /** As first sent. */
  readonly arrival: Arrival;
  /** Sends so far, ≥ 1. */
  readonly sends: number;
}

/** Whether and when a client sends again. Told of each send and each answer, in order of time. */
export interface ResendRule {
  sent(now: number, ask: Ask): void;
  /**
   * Microseconds until it sends again, or -1: it gives up. Called for failures and successes; of these it answers -1.
   */
  answered(now: number, ask: Ask, answer: Answer): number;
}

/** How asks ended. */
export interface AskCounts {
  asked: number;
  sends: number;
  ok: number;
  gaveUp: number;
}

interface OpenAsk {
  readonly id: number;
  /** As the workload inside handed it out. */
  readonly arrival: Arrival;
  sends: number;
}

export class RetryingWorkload implements Workload {
  readonly counts: AskCounts = { asked: 0, sends: 0, ok: 0, gaveUp: 0 };
  readonly #inner: Workload;
  readonly #rule: ResendRule;
  /** By the arrival that is out. */
  readonly #out = new Map<Arrival, OpenAsk>();
  /** To be sent again, by time, then by answer. */
  readonly #resends = new EventQueue<OpenAsk>();

  constructor(inner: Workload, rule: ResendRule) {
    this.#inner = inner;
    this.#rule = rule;
  }

  nextAt(): number {
    return Math.min(this.#inner.nextAt(), this.#resends.peekAt());
  }

  take(): Arrival {
    const again = this.#resends.peekAt();
    if (again === Infinity || again > this.#inner.nextAt()) {
      const arrival = this.#inner.take();
      return this.#send(arrival.at, { id: this.counts.asked++, arrival, sends: 0 });
    }
    this.#resends.pop();
    return this.#send(again, this.#resends.data as OpenAsk);
  }

  starved(): boolean {
    return this.#inner.starved();
  }

  ended(): boolean {
    return this.#out.size === 0 && this.#resends.size === 0 && this.#inner.ended();
  }

  total(): number | undefined {
    return undefined;
  }

  completed(now: number, arrival: Arrival, answer: Answer): void {
    const ask = this.#out.get(arrival);
    assert(ask !== undefined, 'a send was answered that is not out');
    this.#out.delete(arrival);
    const delayUs = this.#rule.answered(now, ask, answer);
    if (!answer.ok && delayUs >= 0) {
      this.#resends.push(Math.round(now + delayUs), PHASE.arrival, 0, 0, ask);
      return;
    }
    if (answer.ok) this.counts.ok++;
    else this.counts.gaveUp++;
    this.#inner.completed?.(now, ask.arrival, answer);
  }

  #send(at: number, ask: OpenAsk): Arrival {
    const arrival = { ...ask.arrival, at, drawKey: ask.id, drawTry: ask.sends * TRIES_PER_SEND };
    ask.sends++;
    this.counts.sends++;
    this.#out.set(arrival, ask);
    this.#rule.sent(at, ask);
    return arrival;
  }
}
