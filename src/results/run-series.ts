/**
 * How a few levels moved over a run (queue depths, running sequences, KV blocks), for charts: one sample an interval,
 * never more than a bound. When the bound is reached every second sample goes and the interval doubles, so that a run
 * of unknown length is covered evenly. What is sampled is what was so at that instant, not a mean over the interval.
 */

const SAMPLES_MAX = 1024;

export interface SeriesData {
  /** Microseconds. */
  readonly at: readonly number[];
  /** By name, one value an instant. */
  readonly columns: Readonly<Record<string, readonly number[]>>;
}

export class RunSeries {
  #everyUs: number;
  readonly #at: number[] = [];
  readonly #columns = new Map<string, number[]>();

  /** `everyUs`: the first interval. */
  constructor(everyUs = 10_000) {
    this.#everyUs = everyUs;
  }

  /** Interval until the next sample, microseconds. */
  get everyUs(): number {
    return this.#everyUs;
  }

  /** One sample; the names are those of the first. */
  add(at: number, levels: Readonly<Record<string, number>>): void {
    this.#at.push(at);
    for (const [name, level] of Object.entries(levels)) {
      const column = this.#columns.get(name);
      if (column === undefined) this.#columns.set(name, [level]);
      else column.push(level);
    }
    if (this.#at.length < SAMPLES_MAX) return;
    halve(this.#at);
    for (const column of this.#columns.values()) halve(column);
    this.#everyUs *= 2;
  }

  data(): SeriesData {
    return { at: this.#at, columns: Object.fromEntries(this.#columns) };
  }
}

/** Keeps the first, third, fifth … */
function halve(list: number[]): void {
  const kept = Math.ceil(list.length / 2);
  for (let i = 0; i < kept; i++) list[i] = list[2 * i] as number;
  list.length = kept;
}
