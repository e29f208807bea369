/**
 * One attempt on the wire: the request goes to its worker, the reply passes to the client as it comes. Nothing of a
 * reply reaches the client before it is known to be good: a 2xx head and the first whole piece of its body. From then
 * on the attempt is never followed by another.
 *
 * A slow client stops the reading from the worker (`pause`), so that no more than one piece waits in memory.
 */
import type { Dispatcher } from 'undici';
import type { AttemptResult } from '../../../policies/types.ts';
import type { Attempt } from '../../gateway/request.ts';
import type { GatewayHost } from '../core/gateway-host.ts';
import { EventStream } from '../http/event-stream.ts';
import { headerIn, responseHeaders, retryAfterUs } from '../http/headers.ts';
import { ReplyTail } from '../http/reply-tail.ts';
import { isClientsFault } from './answers.ts';
import type { Exchange } from './exchange.ts';
import type { LiveRequest } from './live-request.ts';

type Controller = Dispatcher.DispatchController;

/** Hears of each attempt's end once; not of one that the core cancelled. */
export type AttemptEnded = (attempt: Attempt<LiveRequest>, result: AttemptResult) => void;

/** Of an error's body; a larger one is not passed on. */
const ERROR_BODY_MAX = 64 << 10;
/** Statuses by which a live worker turns a request away. */
const REFUSALS: readonly number[] = [429, 503];
/** No connection to the worker came about. */
const UNREACHED = new Set([
  ...['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'],
  ...['UND_ERR_CLOSED', 'UND_ERR_DESTROYED'],
]);

export class Relay implements Dispatcher.DispatchHandler {
  readonly #attempt: Attempt<LiveRequest>;
  readonly #exchange: Exchange;
  readonly #host: GatewayHost<LiveRequest>;
  readonly #onEnd: AttemptEnded;
  #controller: Controller | undefined;
  #isOver = false;
  #status = 0;
  #headers: string[] = [];
  #retryAfterUs = -1;
  /** Of a reply in events. */
  #events: EventStream | undefined;
  readonly #tail = new ReplyTail();
  /** Body of a reply that is no success; undefined for one that passes. */
  #errorBody: Buffer[] | undefined;
  #errorBytes = 0;

  constructor(attempt: Attempt<LiveRequest>, host: GatewayHost<LiveRequest>, onEnd: AttemptEnded) {
    this.#attempt = attempt;
    this.#exchange = attempt.request.init.exchange;
    this.#host = host;
    this.#onEnd = onEnd;
  }

  /** The core has given the attempt up. Nothing more is heard of it. */
  cancel(): void {
    this.#isOver = true;
    this.#controller?.abort(new Error('cancelled'));
  }

  /** An error event may follow what was sent: the last event is whole, and the bytes are plain text. */
  get mayAppend(): boolean {
    return this.#events !== undefined && this.#events.isWhole;
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new Error('cancelled'));
  }

  onResponseStart(controller: Controller, status: number): void {
    if (status < 200) return;
    const raw = (controller.rawHeaders ?? []) as Buffer[];
    this.#host.run(() => this.#started(status, raw));
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    this.#host.run(() => this.#received(chunk));
  }

  onResponseEnd(): void {
    this.#host.run(() => this.#completed());
  }

  onResponseError(_controller: Controller | undefined, error: Error): void {
    this.#host.run(() => this.#broke(error));
  }

  /** A worker that switches protocols breaks this one. */
  onRequestUpgrade(controller: Controller): void {
    controller.abort(new Error('a worker switched protocols'));
  }

  #started(status: number, raw: readonly Buffer[]): void {
    if (this.#isOver) return;
    this.#status = status;
    this.#headers = responseHeaders(raw, this.#exchange.requestId);
    if (status >= 300) {
      this.#retryAfterUs = retryAfterUs(this.#headers, Date.now());
      this.#errorBody = [];
    } else if (!areSendable(this.#headers)) {
      this.#giveUp(new Error('a header that cannot be passed on'));
    } else if (isEvents(this.#headers)) {
      this.#events = new EventStream();
    }
  }

  #received(chunk: Buffer): void {
    if (this.#isOver) return;
    if (this.#errorBody !== undefined) {
      this.#collect(this.#errorBody, chunk);
      return;
    }
    const piece = this.#events === undefined ? chunk : this.#events.push(chunk);
    if (piece !== undefined) this.#pass(piece);
  }

  #pass(piece: Buffer): void {
    const exchange = this.#exchange;
    if (!this.#begun()) return;
    this.#tail.push(piece);
    const isReady = exchange.write(piece, () => this.#controller?.resume());
    if (!isReady) this.#controller?.pause();
  }

  /** Makes sure that the head is out; false when the core has given the attempt up instead. */
  #begun(): boolean {
    const exchange = this.#exchange;
    if (exchange.hasBegun) return !this.#isOver;
    this.#host.input({ kind: 'first-token', attempt: this.#attempt });
    if (this.#isOver) return false;
    exchange.begin(this.#status, this.#headers, this.#events !== undefined);
    exchange.dropBody();
    return true;
  }

  /** Past its bound the body is dropped, and the connection with it. */
  #collect(body: Buffer[], chunk: Buffer): void {
    this.#errorBytes += chunk.length;
    if (this.#errorBytes <= ERROR_BODY_MAX) body.push(chunk);
    else this.#giveUp(new Error('an error too long to be passed on'));
  }

  #completed(): void {
    if (this.#isOver) return;
    if (this.#errorBody !== undefined) {
      this.#keepReply(Buffer.concat(this.#errorBody));
      this.#settle(this.#failed());
      return;
    }
    const rest = this.#events?.flush();
    if (rest !== undefined) this.#pass(rest);
    if (this.#begun()) this.#settle(this.#succeeded());
  }

  #broke(error: Error): void {
    if (this.#isOver) return;
    // All that the client waits for is there.
    if (this.#events?.isDone === true) this.#settle(this.#succeeded());
    else if (this.#errorBody !== undefined) this.#settle(this.#failed());
    else this.#settle(this.#lost(error));
  }

  /** The worker's fault: its reply is not read any further. */
  #giveUp(error: Error): void {
    this.#broke(error);
    this.#controller?.abort(error);
  }

  #keepReply(body: Buffer): void {
    if (!isClientsFault(this.#status) || !areSendable(this.#headers)) return;
    const headers = withoutId(this.#headers);
    this.#exchange.lastReply = { status: this.#status, headers, body };
  }

  #settle(result: AttemptResult): void {
    this.#isOver = true;
    this.#onEnd(this.#attempt, result);
    this.#host.input({ kind: 'end', attempt: this.#attempt, result });
  }

  #succeeded(): AttemptResult {
    const { usedTokens } = this.#tail;
    const result = { outcome: 'ok', status: this.#status, retryAfterUs: -1, bytesSent: true } as const;
    return usedTokens === undefined ? result : { ...result, usedTokens };
  }

  #failed(): AttemptResult {
    const outcome = REFUSALS.includes(this.#status) ? 'refused' : 'failed';
    return { outcome, status: this.#status, retryAfterUs: this.#retryAfterUs, bytesSent: false };
  }

  /** No reply, or one that broke off: it has no status, as if there had been none. */
  #lost(error: Error): AttemptResult {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    const outcome = UNREACHED.has(code) ? 'refused' : 'failed';
    return { outcome, status: 0, retryAfterUs: -1, bytesSent: this.#attempt.bytesSent };
  }
}

function isEvents(headers: readonly string[]): boolean {
  const type = headerIn(headers, 'content-type') ?? '';
  return /^text\/event-stream\b/i.test(type) && headerIn(headers, 'content-encoding') === undefined;
}

/** As node has it. */
const CONTROL = /[^\t\x20-\x7e\x80-\xff]/;

/** Node refuses to send control characters that some parsers let in. */
function areSendable(headers: readonly string[]): boolean {
  for (let i = 1; i < headers.length; i += 2) if (CONTROL.test(headers[i] as string)) return false;
  return true;
}

function withoutId(headers: readonly string[]): string[] {
  return headers.slice(0, -2);
}
