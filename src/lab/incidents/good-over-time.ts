/**
 * How the fraction of good requests moved over a run: requests by the instant they were sent, in equal stretches from
 * the first to the last. What the small charts of the gallery draw.
 */
import { isGood } from '../../results/good.ts';
import type { RequestRecord } from '../../results/record.ts';
import type { Slo } from '../../results/recorder.ts';

const BINS = 60;

export interface GoodOverTime {
  /** Seconds from the start of the run to the end of the last stretch. */
  readonly seconds: number;
  /** 0 to 1; null where nothing was sent. */
  readonly fractions: readonly (number | null)[];
}

export class GoodWatch {
  readonly #slo: Slo;
  readonly #sentAt: number[] = [];
  readonly #good: boolean[] = [];

  constructor(slo: Slo) {
    this.#slo = slo;
  }

  request(record: RequestRecord): void {
    this.#sentAt.push(record.sentAt);
    this.#good.push(isGood(record, this.#slo));
  }

  /** By the instants of all requests so far. */
  result(): GoodOverTime {
    const lastAt = this.#sentAt.reduce((last, at) => Math.max(last, at), 0);
    const width = (lastAt + 1) / BINS;
    const all = new Array<number>(BINS).fill(0);
    const good = new Array<number>(BINS).fill(0);
    this.#sentAt.forEach((at, i) => {
      const bin = Math.floor(at / width);
      all[bin] = (all[bin] as number) + 1;
      if (this.#good[i] === true) good[bin] = (good[bin] as number) + 1;
    });
    const fractions = all.map((count, bin) => (count === 0 ? null : (good[bin] as number) / count));
    return { seconds: (lastAt + 1) / 1e6, fractions };
  }
}
