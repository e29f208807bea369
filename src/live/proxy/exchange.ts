/**
 * One client's request and its reply on the wire. It knows when the reply has begun, which is what decides between
 * another attempt and a broken stream, and cuts off a client that stops reading.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Micros } from '../../../policies/types.ts';
import type { Agenda, Deadline } from '../agenda.ts';
import { type ApiError, errorBody, errorEvent, errorHeaders } from '../http/api-error.ts';
import type { ByteBudget } from '../http/byte-budget.ts';
import { ANYONE, type Client } from '../http/key-ring.ts';
import type { Relay } from './relay.ts';
import type { RouteName } from './routes.ts';

/** A worker's reply that is passed on whole. */
export interface WholeReply {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

export interface ExchangeInit {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly route: RouteName;
}

/** What all exchanges share. */
export interface ExchangePeers {
  readonly agenda: Agenda;
  readonly budget: ByteBudget;
  now(): Micros;
  writeTimeoutUs(): Micros;
  /** The client went away before its answer. */
  left(exchange: Exchange): void;
  /** The last that is heard of it. */
  closed(exchange: Exchange): void;
}

/** How an exchange ended, for its line in the log and its metrics. */
export type ExchangeEnd = 'answered' | 'broken' | 'client-left' | 'client-stalled';

export class Exchange {
  readonly request: IncomingMessage;
  readonly requestId: string;
  readonly route: RouteName;
  readonly startedAt: Micros;
  /** Neighbours among the open ones. */
  ahead: Exchange | undefined = undefined;
  behind: Exchange | undefined = undefined;
  client: Client = ANYONE;
  /** Of a configured model; '' until it is known. */
  model = '';
  isStreaming = false;
  /** Id in the core once it is there. */
  coreId = -1;
  /** The reply of the last attempt, when it is worth passing on. */
  lastReply: WholeReply | undefined;
  /** Of its last attempt, until it is over. */
  relay: Relay | undefined = undefined;
  firstByteAt: Micros = -1;
  sentBytes = 0;
  /** Status sent; 0 before. */
  status = 0;
  /** Code of the error that was sent. */
  errorCode = '';
  attempts = 0;
  /** Name of the last attempt's worker. */
  worker = '';
  end: ExchangeEnd | undefined;
  readonly #response: ServerResponse;
  readonly #peers: ExchangePeers;
  /** Made when it is first needed: most replies go out at once. */
  #stalled: Deadline | undefined;
  #body: Buffer | undefined;
  #onWritable: (() => void) | undefined;
  #sse = false;
  /** Another response of the connection came first. */
  readonly #isBehind: boolean;
  #isStalled = false;
  #isClosed = false;

  readonly #closed = (): void => {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#isBehind) this.request.socket.off('close', this.#closed);
    this.#unwatch();
    this.dropBody();
    this.#onWritable = undefined;
    const isUnanswered = this.end === undefined;
    const isCut = isUnanswered || (this.end === 'answered' && !this.#response.writableFinished);
    if (isCut) this.end = this.#isStalled ? 'client-stalled' : 'client-left';
    if (isUnanswered) this.#peers.left(this);
    this.#peers.closed(this);
  };

  constructor({ request, response, requestId, route }: ExchangeInit, peers: ExchangePeers) {
    this.#peers = peers;
    this.request = request;
    this.#response = response;
    this.requestId = requestId;
    this.route = route;
    this.startedAt = peers.now();
    response.on('error', ignore);
    response.once('close', this.#closed);
    // Node says nothing of the end of a connection to a response that waits for its turn behind another.
    this.#isBehind = response.socket === null;
    if (this.#isBehind) request.socket.setMaxListeners(0).once('close', this.#closed);
  }

  /** The head of a reply is out, or on its way. */
  get hasBegun(): boolean {
    return this.#response.headersSent;
  }

  get isOver(): boolean {
    return this.end !== undefined;
  }

  get body(): Buffer | undefined {
    return this.#body;
  }

  /** A client that asked whether to send its body is told to. */
  invite(): void {
    if (this.request.headers.expect !== undefined) this.#response.writeContinue();
  }

  /** `body` is held within the budget from now on. */
  keepBody(body: Buffer): void {
    this.#body = body;
  }

  /** No further attempt will need it. */
  dropBody(): void {
    if (this.#body === undefined) return;
    this.#peers.budget.give(this.#body.length);
    this.#body = undefined;
  }

  /** Sends the head of a worker's reply. `isSse`: the body is events, and an error may be one of them. */
  begin(status: number, headers: readonly string[], isSse: boolean): void {
    if (this.isOver) return;
    this.#sse = isSse;
    this.status = status;
    this.firstByteAt = this.#peers.now();
    this.#response.writeHead(status, headers as string[]);
  }

  /** False when the client is behind: `onWritable` hears when it has caught up. */
  write(bytes: Buffer, onWritable: () => void): boolean {
    if (this.isOver) return true;
    this.sentBytes += bytes.length;
    if (this.#response.write(bytes)) return true;
    this.#onWritable = onWritable;
    this.#response.once('drain', () => this.#drained());
    this.#watch();
    return false;
  }

  /** The reply is whole. */
  finish(): void {
    this.#settle('answered');
    this.#response.end();
    this.#watch();
  }

  /** A reply that is not a worker's own stream: an error, or a worker's answer that came whole. */
  answer(status: number, headers: readonly string[], body: Buffer | string): void {
    if (this.isOver) return;
    this.status = status;
    this.#settle('answered');
    this.sentBytes += Buffer.byteLength(body);
    const closing = this.request.complete ? [] : ['connection', 'close'];
    this.#response.writeHead(status, [...headers, 'x-request-id', this.requestId, ...closing]);
    this.#response.end(this.request.method === 'HEAD' ? undefined : body);
    this.#watch();
  }

  /** The request failed. What has begun as events ends with one; any other reply that has begun is cut. */
  fail(error: ApiError, mayAppend: boolean): void {
    if (this.isOver) return;
    this.errorCode = error.code;
    if (!this.hasBegun) {
      const body = errorBody(error);
      this.answer(error.status, errorHeaders(error, Buffer.byteLength(body)), body);
      return;
    }
    this.#settle('broken');
    if (this.#sse && mayAppend) {
      this.#response.end(errorEvent(error));
      this.#watch();
    } else {
      this.#response.destroy();
    }
  }

  /** Cuts the connection off. */
  destroy(): void {
    this.#response.destroy();
  }

  #settle(end: ExchangeEnd): void {
    if (this.end === undefined) this.end = end;
  }

  #watch(): void {
    // What the system has taken already cannot stall.
    if (this.#response.writableLength === 0 || this.#response.destroyed) return;
    const { agenda } = this.#peers;
    this.#stalled ??= agenda.deadline(() => this.#cutOff());
    agenda.set(this.#stalled, this.#peers.now() + this.#peers.writeTimeoutUs());
  }

  #unwatch(): void {
    if (this.#stalled !== undefined) this.#peers.agenda.cancel(this.#stalled);
  }

  #drained(): void {
    if (!this.#response.writableEnded) this.#unwatch();
    const resume = this.#onWritable;
    this.#onWritable = undefined;
    resume?.();
  }

  #cutOff(): void {
    this.#isStalled = true;
    this.#response.destroy();
  }
}

function ignore(): void {
  // A client that breaks off is noticed when its response closes.
}
