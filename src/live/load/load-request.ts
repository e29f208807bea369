/** One request of a load on the wire, timed as its client sees it. */
import type { Dispatcher } from 'undici';
import type { FinishCause, FinishReason, Micros } from '../../../policies/types.ts';
import { replyHeaders, retryAfterUs } from '../http/headers.ts';
import { ownCause } from '../http/own-cause.ts';
import { type ReplyFacts, ReplyReader } from './reply-reader.ts';

type Controller = Dispatcher.DispatchController;

export interface LoadEnd {
  readonly reason: FinishReason;
  readonly cause: FinishCause;
  /** 0: no reply. */
  readonly status: number;
  /** What a refusal asks for; -1: nothing. */
  readonly retryAfterUs: Micros;
  /** First text; -1: none, or the reply came whole. */
  readonly firstTokenAt: Micros;
  readonly finishedAt: Micros;
  readonly facts: ReplyFacts;
}

export class LoadRequest implements Dispatcher.DispatchHandler {
  readonly #now: () => Micros;
  readonly #onGap: (gapUs: Micros) => void;
  readonly #onEnd: (end: LoadEnd) => void;
  readonly #reader: ReplyReader;
  readonly #isStream: boolean;
  #controller: Controller | undefined;
  #isOver = false;
  #status = 0;
  #headers: string[] = [];
  #firstTokenAt: Micros = -1;
  #lastTokenAt: Micros = -1;

  /** `onGap` hears of the time between two pieces of text, `onEnd` of the end, once. */
  constructor(
    isStream: boolean,
    now: () => Micros,
    onGap: (gapUs: Micros) => void,
    onEnd: (end: LoadEnd) => void,
  ) {
    this.#isStream = isStream;
    this.#now = now;
    this.#onGap = onGap;
    this.#onEnd = onEnd;
    this.#reader = new ReplyReader(isStream, () => this.#piece());
  }

  /** Its client has lost patience, or the load ends. */
  leave(): void {
    this.#settle('cancelled', 'client');
    this.#controller?.abort(new Error('left'));
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new Error('left'));
  }

  onResponseStart(controller: Controller, status: number): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = replyHeaders(controller);
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    if (!this.#isOver && this.#status < 300) this.#reader.push(chunk);
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    if (this.#status >= 300) this.#refused();
    else if (this.#reader.end().isWhole) this.#settle('ok', 'none');
    else this.#settle('failed', 'upstream');
  }

  onResponseError(): void {
    if (!this.#isOver) this.#settle('failed', 'upstream');
  }

  #piece(): void {
    const now = this.#now();
    if (this.#firstTokenAt < 0) this.#firstTokenAt = now;
    else this.#onGap(now - this.#lastTokenAt);
    this.#lastTokenAt = now;
  }

  #refused(): void {
    const own = ownCause(this.#headers);
    if (own === 'deadline') this.#settle('timeout', own);
    else if (own !== undefined) this.#settle('shed', own);
    else if (this.#status === 429) this.#settle('failed', 'rate-limited');
    else this.#settle('failed', 'upstream');
  }

  #settle(reason: FinishReason, cause: FinishCause): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onEnd({
      reason,
      cause,
      status: this.#status,
      retryAfterUs: retryAfterUs(this.#headers, Date.now()),
      firstTokenAt: this.#isStream ? this.#firstTokenAt : -1,
      finishedAt: this.#now(),
      facts: this.#reader.end(),
    });
  }
}
