/** How far a run or a batch is, on stderr while it lasts: how much is over of what is planned, and what goes on. */
import { SingleBar } from 'cli-progress';
import type { RunProgress } from '../lab/run-types.ts';
import type { BatchProgress } from '../live/batch/batch-run.ts';

const US_PER_SEC = 1e6;
/** Shown when the number of requests is known from the start, and when it is not. */
const KNOWN = '{name} [{bar}] {value}/{total} requests, {simulated} s simulated';
const UNKNOWN = '{name} {value} requests, {simulated} s simulated';

export class ProgressLine {
  readonly #name: string;
  #bar: SingleBar | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  update({ finished, total, simulatedUs }: RunProgress): void {
    const simulated = (simulatedUs / US_PER_SEC).toFixed(0);
    if (this.#bar === undefined) {
      const format = total === undefined ? UNKNOWN : KNOWN;
      const stream = process.stderr;
      this.#bar = new SingleBar({ format, stream, clearOnComplete: true, gracefulExit: false });
      this.#bar.start(total ?? 1, finished, { name: this.#name, simulated });
    } else {
      this.#bar.update(finished, { simulated });
    }
  }

  /** Takes the line away. */
  stop(): void {
    this.#bar?.stop();
  }
}

const ROWS = '[{bar}] {value}/{total} rows, {failed} failed, {running} of {limit} calls run';

/** Of a batch. */
export class RowProgress {
  #bar: SingleBar | undefined;

  update({ completed, failed, total, running, limit }: BatchProgress): void {
    if (this.#bar === undefined) {
      const stream = process.stderr;
      this.#bar = new SingleBar({ format: ROWS, stream, clearOnComplete: true, gracefulExit: false });
      this.#bar.start(total, completed + failed, { failed, running, limit });
    } else {
      this.#bar.update(completed + failed, { failed, running, limit });
    }
  }

  /** Takes the line away. */
  stop(): void {
    this.#bar?.stop();
  }
}
