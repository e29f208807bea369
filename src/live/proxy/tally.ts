/**
 * Counts by labels, on the path of every request. A counter of prom-client hashes its labels at each step, several
 * microseconds a request in all; here that is one look into a map, and prom-client reads the counts when asked.
 */

interface Counted {
  readonly labels: readonly string[];
  count: number;
}

export class Tally {
  readonly #counted = new Map<string, Counted>();

  /** One more, or `by` more, of these labels. */
  inc(labels: readonly string[], by = 1): void {
    const key = labels.length === 1 ? (labels[0] as string) : labels.join('\0');
    const counted = this.#counted.get(key);
    if (counted === undefined) this.#counted.set(key, { labels: [...labels], count: by });
    else counted.count += by;
  }

  *entries(): Iterable<readonly [labels: readonly string[], count: number]> {
    for (const { labels, count } of this.#counted.values()) yield [labels, count];
  }
}
