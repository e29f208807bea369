/** Performs what the core wants done: attempts on the wire, their end, and each client's last word. */
import type { AttemptResult, FinishCause, FinishReason } from '../../../policies/types.ts';
import type { Attempt, GatewayRequest } from '../../gateway/request.ts';
import type { GatewayHost, Performer } from '../core/gateway-host.ts';
import { requestHeaders } from '../http/headers.ts';
import { answerFor } from './answers.ts';
import type { LiveRequest } from './live-request.ts';
import { Relay } from './relay.ts';
import type { Upstreams } from './upstreams.ts';

export interface PerformerPeers {
  upstreamKey(): string | undefined;
  started(attempt: Attempt<LiveRequest>): void;
  /** Also of attempts that the core ended. */
  ended(attempt: Attempt<LiveRequest>, result: AttemptResult): void;
  finished(request: GatewayRequest<LiveRequest>, reason: FinishReason, cause: FinishCause): void;
}

export class ProxyPerformer implements Performer<LiveRequest> {
  readonly #upstreams: Upstreams;
  readonly #peers: PerformerPeers;
  /** Exchanges with a relay. */
  #size = 0;
  #host: GatewayHost<LiveRequest> | undefined;

  constructor(upstreams: Upstreams, peers: PerformerPeers) {
    this.#upstreams = upstreams;
    this.#peers = peers;
  }

  /** Of the host that it performs for. */
  serve(host: GatewayHost<LiveRequest>): void {
    this.#host = host;
  }

  /** Requests with an attempt on the wire, or between two. */
  get size(): number {
    return this.#size;
  }

  start(attempt: Attempt<LiveRequest>): void {
    const host = this.#host as GatewayHost<LiveRequest>;
    const { exchange } = attempt.request.init;
    exchange.lastReply = undefined;
    exchange.worker = attempt.worker.name;
    this.#peers.started(attempt);
    const relay = new Relay(attempt, host, (ended, result) => this.#peers.ended(ended, result));
    if (exchange.relay === undefined) this.#size++;
    exchange.relay = relay;
    const pool = this.#upstreams.get(attempt.worker.index);
    if (pool === undefined) {
      relay.onResponseError(undefined, new Error('the worker has left'));
      return;
    }
    const { method, url, rawHeaders } = exchange.request;
    const headers = requestHeaders(rawHeaders, exchange.requestId, this.#peers.upstreamKey());
    pool.dispatch(
      { path: url as string, method: method as 'GET' | 'POST', headers, body: exchange.body ?? null },
      relay,
    );
  }

  cancel(attempt: Attempt<LiveRequest>): void {
    attempt.request.init.exchange.relay?.cancel();
    this.#peers.ended(attempt, attempt.result as AttemptResult);
  }

  finish(request: GatewayRequest<LiveRequest>, reason: FinishReason, cause: FinishCause): void {
    const live = request.init;
    const { exchange } = live;
    const { relay } = exchange;
    if (relay !== undefined) this.#size--;
    exchange.relay = undefined;
    live.forget();
    exchange.attempts = request.attemptCount;
    this.#peers.finished(request, reason, cause);
    if (exchange.isOver) return;
    if (reason === 'ok') {
      exchange.finish();
      return;
    }
    const { lastReply } = exchange;
    const isWorkers = cause === 'upstream' || cause === 'rate-limited';
    if (isWorkers && lastReply !== undefined && !exchange.hasBegun) {
      exchange.answer(lastReply.status, lastReply.headers, lastReply.body);
      return;
    }
    const { lastFailure, retryAfterUs } = request;
    exchange.fail(answerFor({ reason, cause, lastFailure, retryAfterUs }), relay?.mayAppend === true);
  }
}
