/**
 * Decides when so much of the recent work failed for good that going on is a waste: at a ratio of failures among the
 * last `window` outcomes. Only successes and failures that cannot heal count; those that may heal gather when a
 * provider is slow, and salvage answers them. Limits: fewer outcomes than the window never shut a run down, and once
 * shut down it stays so.
 *
 * Source: DataDesigner async_scheduler.py 99517abc (early shutdown).
 */
import type { ShutdownSettings } from './settings.ts';

export class ErrorWindow {
  readonly #settings: ShutdownSettings | undefined;
  readonly #recent: boolean[] = [];
  #tripped = false;

  constructor(settings: ShutdownSettings | undefined) {
    this.#settings = settings;
  }

  get tripped(): boolean {
    return this.#tripped;
  }

  note(success: boolean): void {
    if (this.#settings === undefined || this.#tripped) return;
    const { errorRatio, window } = this.#settings;
    this.#recent.push(success);
    if (this.#recent.length > window) this.#recent.shift();
    if (this.#recent.length < window) return;
    const errors = this.#recent.filter((ok) => !ok).length;
    this.#tripped = errors / window >= errorRatio;
  }
}
