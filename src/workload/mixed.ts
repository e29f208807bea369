/**
 * Several workloads at once, each with its own begin, arrivals, lengths and tenants: interactive traffic and a batch
 * job that overlaps it. Each draws from streams of its own, so that adding one leaves the others' requests as they
 * were; they share no prompt text. At one instant the one named first sends first.
 */
import { assert } from '../kernel/assert.ts';
import type { Answer, Arrival, Workload } from './arrival.ts';
import { ClosedWorkload } from './closed.ts';
import type { MixedWorkloadConfig } from './config.ts';
import { OpenWorkload } from './open.ts';

interface Part {
  readonly workload: Workload;
  /** Its own time begins then. */
  readonly fromUs: number;
}

interface Sender {
  readonly part: Part;
  /** As the part handed it out, in its own time. */
  readonly arrival: Arrival;
}

export class MixedWorkload implements Workload {
  readonly #parts: readonly Part[];
  /** Of requests whose end a part is told. */
  readonly #senders = new Map<Arrival, Sender>();

  constructor({ parts }: MixedWorkloadConfig, seed: number | string) {
    this.#parts = parts.map(({ name, fromUs, workload }) => {
      const own = `${seed}/${name}`;
      if (workload.kind === 'open') return { fromUs, workload: new OpenWorkload(workload, own) };
      return { fromUs, workload: new ClosedWorkload(workload, own) };
    });
  }

  nextAt(): number {
    return this.#parts.reduce((first, part) => Math.min(first, nextOf(part)), Infinity);
  }

  take(): Arrival {
    const at = this.nextAt();
    const index = this.#parts.findIndex((part) => nextOf(part) === at);
    const part = this.#parts[index];
    assert(part !== undefined && at < Infinity, 'no arrival to take');
    const arrival = part.workload.take();
    // The same id of two parts is not the same text.
    const hashIds = arrival.hashIds.map((id) => id * this.#parts.length + index);
    const sent = { ...arrival, at, hashIds };
    if (part.workload.completed !== undefined) this.#senders.set(sent, { part, arrival });
    return sent;
  }

  starved(): boolean {
    return false;
  }

  ended(): boolean {
    return this.#parts.every(({ workload }) => workload.ended());
  }

  total(): number | undefined {
    const totals = this.#parts.map(({ workload }) => workload.total());
    return totals.reduce((sum, each) => (sum === undefined || each === undefined ? undefined : sum + each), 0);
  }

  completed(now: number, sent: Arrival, answer: Answer): void {
    const sender = this.#senders.get(sent);
    if (sender === undefined) return;
    this.#senders.delete(sent);
    const { part, arrival } = sender;
    part.workload.completed?.(now - part.fromUs, arrival, answer);
  }
}

function nextOf({ workload, fromUs }: Part): number {
  return workload.nextAt() + fromUs;
}
