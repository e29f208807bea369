/** A short question to a worker beside the traffic: a probe, a look at its load. */
import type { Dispatcher } from 'undici';

export interface WorkerAnswer {
  readonly status: number;
  readonly body: string;
}

/** Of an answer; a longer one is none. */
const ANSWER_BYTES_MAX = 4 << 20;

/**
 * Asks `GET path`. `done` hears once: of the answer, or of undefined when there was none. The function that is answered
 * gives the question up; nothing is heard then.
 */
export function askWorker(
  dispatcher: Dispatcher,
  path: string,
  key: string | undefined,
  done: (answer: WorkerAnswer | undefined) => void,
): () => void {
  const question = new Question(done);
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  dispatcher.dispatch({ path, method: 'GET', headers }, question);
  return () => question.giveUp();
}

class Question implements Dispatcher.DispatchHandler {
  readonly #done: (answer: WorkerAnswer | undefined) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #isOver = false;
  #status = 0;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(done: (answer: WorkerAnswer | undefined) => void) {
    this.#done = done;
  }

  giveUp(): void {
    this.#isOver = true;
    this.#controller?.abort(new Error('given up'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new Error('given up'));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > ANSWER_BYTES_MAX) controller.abort(new Error('too long an answer'));
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#end({ status: this.#status, body: Buffer.concat(this.#chunks).toString('utf8') });
  }

  onResponseError(): void {
    this.#end(undefined);
  }

  #end(answer: WorkerAnswer | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#done(answer);
  }
}
