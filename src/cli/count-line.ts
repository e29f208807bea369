/** How many of many runs have ended, on stderr while they last, with the time that the rest will take. */
import { SingleBar } from 'cli-progress';

const FORMAT = '{name} [{bar}] {value}/{total} runs, {eta_formatted} left';

export class CountLine {
  readonly #name: string;
  #bar: SingleBar | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  update(done: number, total: number): void {
    if (this.#bar === undefined) {
      this.#bar = new SingleBar({ format: FORMAT, stream: process.stderr, clearOnComplete: true, gracefulExit: false });
      this.#bar.start(total, done, { name: this.#name });
    } else {
      this.#bar.setTotal(total);
      this.#bar.update(done);
    }
  }

  /** Takes the line away. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}
