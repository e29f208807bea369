/**
 * One attempt of a call on the wire: sends the row's body, gathers the whole reply within a bound, and says once how it
 * ended. A success is a 2xx whose body is JSON; a reply that breaks off or is something else is a broken connection.
 */
import { isUtf8 } from 'node:buffer';
import type { Dispatcher } from 'undici';
import type { AttemptResult, FinishCause } from '../../../policies/types.ts';
import { headerIn, replyHeaders, retryAfterUs } from '../http/headers.ts';
import { ownCause } from '../http/own-cause.ts';
import type { RowError, RowReply } from './output-line.ts';

type Controller = Dispatcher.DispatchController;

/** How an attempt ended: what the core is told, and what the row has to show for it. */
export interface ExchangeEnd {
  readonly result: AttemptResult;
  /** Undefined: there was no reply, or none that is whole. */
  readonly reply: RowReply | undefined;
  /** Set when there is no reply. */
  readonly error: RowError | undefined;
  /** Why a proxy of ours turned it away itself; undefined: it did not. */
  readonly cause: FinishCause | undefined;
}

/** Of a reply that is no success: more of it explains nothing. */
const ERROR_BYTES_MAX = 16 << 10;

export class RowExchange implements Dispatcher.DispatchHandler {
  readonly #requestId: string;
  readonly #replyBytesMax: number;
  readonly #onEnd: (end: ExchangeEnd) => void;
  readonly #body: Buffer[] = [];
  #controller: Controller | undefined;
  #isOver = false;
  #status = 0;
  #headers: string[] = [];
  #bytes = 0;

  /** `onEnd` is heard once, unless the attempt was cancelled. */
  constructor(requestId: string, replyBytesMax: number, onEnd: (end: ExchangeEnd) => void) {
    this.#requestId = requestId;
    this.#replyBytesMax = replyBytesMax;
    this.#onEnd = onEnd;
  }

  cancel(): void {
    this.#isOver = true;
    this.#controller?.abort(new Error('cancelled'));
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new Error('cancelled'));
  }

  onResponseStart(controller: Controller, status: number): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = replyHeaders(controller);
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#isOver) return;
    this.#bytes += chunk.length;
    if (this.#isGood && this.#bytes > this.#replyBytesMax) {
      this.#settle(...tooLarge(this.#replyBytesMax));
      controller.abort(new Error('a reply too large'));
    } else if (this.#isGood || this.#bytes <= ERROR_BYTES_MAX) {
      this.#body.push(chunk);
    }
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    const body = Buffer.concat(this.#body);
    if (!this.#isGood) {
      this.#settle(this.#failed(), this.#replyOf(body.toString('utf8')), undefined);
    } else if (isJson(body)) {
      this.#settle(this.#succeeded(), this.#replyOf(body.toString('utf8')), undefined);
    } else {
      const message = `status ${this.#status} with a body that is no JSON`;
      this.#settle(LOST, undefined, { code: 'invalid_reply', message });
    }
  }

  onResponseError(_controller: Controller | undefined, error: Error): void {
    if (this.#isOver) return;
    const { code } = error as NodeJS.ErrnoException;
    const outcome = this.#status === 0 && code === 'ECONNREFUSED' ? 'refused' : 'failed';
    this.#settle({ ...LOST, outcome }, undefined, { code: 'connection_failed', message: code ?? error.message });
  }

  onRequestUpgrade(controller: Controller): void {
    controller.abort(new Error('a worker switched protocols'));
  }

  get #isGood(): boolean {
    return this.#status < 300;
  }

  #replyOf(text: string): RowReply {
    const requestId = headerIn(this.#headers, 'x-request-id') ?? this.#requestId;
    return { status: this.#status, requestId, text };
  }

  #succeeded(): AttemptResult {
    return { outcome: 'ok', status: this.#status, retryAfterUs: -1, bytesSent: true };
  }

  #failed(): AttemptResult {
    const outcome = this.#status === 429 || this.#status === 503 ? 'refused' : 'failed';
    const asked = retryAfterUs(this.#headers, Date.now());
    return { outcome, status: this.#status, retryAfterUs: asked, bytesSent: false };
  }

  #settle(result: AttemptResult, reply: RowReply | undefined, error: RowError | undefined): void {
    this.#isOver = true;
    const cause = ownCause(this.#headers);
    // A tenant's rate at our proxy is to a batch what a provider's 429 is: it cools down.
    this.#onEnd({ result, reply, error, cause: cause === 'rate-limited' ? undefined : cause });
  }
}

/** No reply, or one that broke off. */
const LOST: AttemptResult = { outcome: 'failed', status: 0, retryAfterUs: -1, bytesSent: false };

/** Asking again would bring the same, so it counts as a request that is refused as wrong. */
function tooLarge(bytesMax: number): [AttemptResult, undefined, RowError] {
  const message = `a reply of more than ${bytesMax} bytes`;
  return [{ ...LOST, status: 413 }, undefined, { code: 'reply_too_large', message }];
}

function isJson(body: Buffer): boolean {
  if (!isUtf8(body)) return false;
  try {
    JSON.parse(body.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}
