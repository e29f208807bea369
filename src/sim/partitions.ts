/**
 * Which traffic between the gateway and a worker passes. Partitions are plain windows, so what is sent into one is
 * dealt with when it is sent: nothing is held, and nothing can be forgotten.
 */
import type { PartitionFault, Traffic } from './fault-config.ts';

/** Windows of one worker and kind of traffic, merged, in order; asked at instants that never decrease. */
class Windows {
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  #next = 0;

  /** In order of `from`. */
  add(from: number, to: number): void {
    const last = this.#to.length - 1;
    if (last >= 0 && from <= (this.#to[last] as number)) this.#to[last] = Math.max(this.#to[last] as number, to);
    else {
      this.#from.push(from);
      this.#to.push(to);
    }
  }

  /** `now` itself, or the end of the window that holds it. */
  clearAt(now: number): number {
    while (this.#next < this.#to.length && (this.#to[this.#next] as number) <= now) this.#next++;
    return this.#next < this.#to.length && (this.#from[this.#next] as number) <= now
      ? (this.#to[this.#next] as number)
      : now;
  }
}

export class Partitions {
  readonly #windows: Readonly<Record<Traffic, Map<number, Windows>>> = {
    requests: new Map(),
    reports: new Map(),
    probes: new Map(),
  };

  constructor(faults: readonly PartitionFault[]) {
    for (const { at, forUs, worker, loses } of [...faults].sort((a, b) => a.at - b.at)) {
      for (const traffic of loses) {
        const ofWorker = this.#windows[traffic].get(worker) ?? new Windows();
        this.#windows[traffic].set(worker, ofWorker);
        ofWorker.add(at, at + forUs);
      }
    }
  }

  /** When what is sent now gets through: `now`, or the end of a window; Infinity when that never ends. */
  clearAt(worker: number, traffic: Traffic, now: number): number {
    return this.#windows[traffic].get(worker)?.clearAt(now) ?? now;
  }
}
