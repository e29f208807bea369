/**
 * The numbers by which a core knows its workers. A worker that comes back under its URL gets its number again. Where
 * addresses come and go for ever the numbers of those long gone are used anew, the longest gone first.
 */
import { assert } from '../../kernel/assert.ts';

/** So many numbers of workers that left stay theirs. */
const KEPT = 64;

export class Indexes {
  readonly #byUrl = new Map<string, number>();
  /** Left the fleet, longest gone first. */
  readonly #gone = new Set<string>();
  #next = 0;

  /** The worker joins. `isFree`: nothing of the number's last owner runs any more. */
  take(url: string, isFree: (index: number) => boolean): number {
    const known = this.#byUrl.get(url);
    if (known !== undefined) {
      this.#gone.delete(url);
      return known;
    }
    const index = this.#reused(isFree) ?? this.#next++;
    this.#byUrl.set(url, index);
    return index;
  }

  leave(url: string): void {
    assert(this.#byUrl.has(url), 'a worker leaves that never joined');
    this.#gone.add(url);
  }

  #reused(isFree: (index: number) => boolean): number | undefined {
    if (this.#gone.size <= KEPT) return undefined;
    for (const url of this.#gone) {
      const index = this.#byUrl.get(url) as number;
      if (!isFree(index)) continue;
      this.#gone.delete(url);
      this.#byUrl.delete(url);
      return index;
    }
    return undefined;
  }
}
