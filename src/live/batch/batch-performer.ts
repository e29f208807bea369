/** Performs what the gateway core wants done for a batch: attempts on the wire, and each call's last word. */
import type { AttemptResult, FinishCause, FinishReason } from '../../../policies/types.ts';
import type { Attempt, GatewayRequest } from '../../gateway/request.ts';
import type { GatewayHost, Performer } from '../core/gateway-host.ts';
import type { Upstreams } from '../proxy/upstreams.ts';
import type { BatchRequest } from './batch-request.ts';
import { type ExchangeEnd, RowExchange } from './row-exchange.ts';

export interface BatchPerformerPeers {
  readonly upstreams: Upstreams;
  /** Sent to workers as a bearer token. */
  readonly key: string | undefined;
  readonly replyBytesMax: number;
  /** As an event of the host. */
  finished(request: BatchRequest, reason: FinishReason, cause: FinishCause, end: ExchangeEnd | undefined): void;
}

export class BatchPerformer implements Performer<BatchRequest> {
  readonly #peers: BatchPerformerPeers;
  /** By request: its last attempt. */
  readonly #exchanges = new Map<number, RowExchange>();
  /** By request: how its last attempt ended. */
  readonly #ends = new Map<number, ExchangeEnd>();
  #host: GatewayHost<BatchRequest> | undefined;

  constructor(peers: BatchPerformerPeers) {
    this.#peers = peers;
  }

  /** Of the host that it performs for. */
  serve(host: GatewayHost<BatchRequest>): void {
    this.#host = host;
  }

  /** Requests with an attempt on the wire, or between two. */
  get size(): number {
    return this.#exchanges.size;
  }

  start(attempt: Attempt<BatchRequest>): void {
    const host = this.#host as GatewayHost<BatchRequest>;
    const { request } = attempt;
    const { body, requestId, line } = request.init;
    this.#ends.delete(request.id);
    const onEnd = (end: ExchangeEnd): void => {
      host.run(() => this.#ended(attempt, end));
    };
    const exchange = new RowExchange(requestId, this.#peers.replyBytesMax, onEnd);
    this.#exchanges.set(request.id, exchange);
    const headers = ['content-type', 'application/json', 'accept', 'application/json', 'x-request-id', requestId];
    if (this.#peers.key !== undefined) headers.push('authorization', `Bearer ${this.#peers.key}`);
    const pool = this.#peers.upstreams.get(attempt.worker.index);
    if (pool === undefined) exchange.onResponseError(undefined, new Error('the worker has left'));
    else pool.dispatch({ path: line.url, method: 'POST', headers, body }, exchange);
  }

  cancel(attempt: Attempt<BatchRequest>): void {
    const { id } = attempt.request;
    this.#exchanges.get(id)?.cancel();
    const result = attempt.result as AttemptResult;
    const message = 'no whole reply within the time limit of an attempt';
    const error = { code: 'request_timeout', message };
    this.#ends.set(id, { result, reply: undefined, error, cause: undefined });
  }

  finish(request: GatewayRequest<BatchRequest>, reason: FinishReason, cause: FinishCause): void {
    const end = this.#ends.get(request.id);
    this.#exchanges.delete(request.id);
    this.#ends.delete(request.id);
    this.#host?.run(() => this.#peers.finished(request.init, reason, cause, end));
  }

  #ended(attempt: Attempt<BatchRequest>, end: ExchangeEnd): void {
    this.#ends.set(attempt.request.id, end);
    this.#host?.input({ kind: 'end', attempt, result: end.result });
  }
}
