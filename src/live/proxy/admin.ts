/**
 * The operator's listener: metrics, what the gateway holds, thresholds that can be turned while it runs. With a key
 * every question needs it; without one it answers loopback only, and only to those who address it as such: a name that
 * was made to resolve to this machine is not enough.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { busyConfig } from '../../../policies/busy/config.ts';
import type { BusyThresholds } from '../../../policies/busy/monitor.ts';
import { type ApiError, badRequest, errorBody, errorHeaders } from '../http/api-error.ts';
import { readBody } from '../http/body-reader.ts';
import { ByteBudget } from '../http/byte-budget.ts';
import { isLoopback } from '../http/listen-address.ts';
import { sameSecret } from '../http/secrets.ts';
import { writtenThresholds } from '../journal/journal-lines.ts';

export interface AdminPeers {
  key(): string | undefined;
  metrics(): Promise<string>;
  /** Plain data, shown as JSON. */
  status(): object;
  isReady(): boolean;
  /** Undefined: there is no busy gate. */
  thresholds(): BusyThresholds | undefined;
  setThresholds(changes: Partial<BusyThresholds>): void;
}

const BODY_BYTES_MAX = 64 << 10;
const BUFFERED_BYTES_MAX = 1 << 20;

/** Each as in the configuration of the gate; absent ones stay, `none` clears. */
const { kvUsedRatioMax, decodeRatioMax, prefillTokensMax, prefillBatchesMax } = busyConfig.shape;
const changesSchema = z.strictObject({
  kvUsedRatioMax: kvUsedRatioMax.unwrap().optional(),
  decodeRatioMax: decodeRatioMax.unwrap().optional(),
  prefillTokensMax: prefillTokensMax.unwrap().optional(),
  prefillBatchesMax: prefillBatchesMax.unwrap().optional(),
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export class Admin {
  readonly #peers: AdminPeers;
  readonly #budget = new ByteBudget(BUFFERED_BYTES_MAX);
  readonly #routes: ReadonlyMap<string, Answer>;

  constructor(peers: AdminPeers) {
    this.#peers = peers;
    this.#routes = new Map<string, Answer>([
      ['GET /livez', (_, response) => sendJson(response, 200, { status: 'live' })],
      ['GET /readyz', (_, response) => this.#ready(response)],
      ['GET /metrics', (_, response) => void this.#metrics(response)],
      ['GET /status', (_, response) => sendJson(response, 200, this.#peers.status())],
      ['GET /busy_threshold', (_, response) => this.#thresholds(response)],
      ['POST /busy_threshold', (request, response) => this.#setThresholds(request, response)],
    ]);
  }

  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    const denied = this.#denied(request);
    const path = (request.url ?? '').split('?', 1)[0] as string;
    const answer = this.#routes.get(`${request.method} ${path}`);
    if (denied !== undefined) sendError(response, denied);
    else if (answer === undefined) sendError(response, badRequest('unknown_url', 'There is nothing at this URL.', 404));
    else answer(request, response);
  };

  #denied(request: IncomingMessage): ApiError | undefined {
    const key = this.#peers.key();
    if (key !== undefined) {
      const given = /^Bearer ([\x21-\x7e]+)$/i.exec(request.headers.authorization ?? '')?.[1];
      if (given !== undefined && sameSecret(given, key)) return undefined;
      const message = 'The key of this listener is needed: Authorization: Bearer KEY.';
      return { status: 401, type: 'authentication_error', code: 'invalid_api_key', message, isFinal: true };
    }
    const host = (request.headers.host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
    if (isLoopback(host) && request.headers.origin === undefined) return undefined;
    return badRequest('not_local', 'Without a key this listener answers this machine only.', 403);
  }

  #ready(response: ServerResponse): void {
    const isReady = this.#peers.isReady();
    sendJson(response, isReady ? 200 : 503, { status: isReady ? 'ready' : 'not ready' });
  }

  async #metrics(response: ServerResponse): Promise<void> {
    const text = await this.#peers.metrics();
    const head = {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      'content-length': Buffer.byteLength(text),
    };
    response.writeHead(200, head).end(text);
  }

  #thresholds(response: ServerResponse): void {
    const thresholds = this.#peers.thresholds();
    if (thresholds === undefined) sendError(response, NO_GATE);
    else sendJson(response, 200, writtenThresholds(thresholds));
  }

  #setThresholds(request: IncomingMessage, response: ServerResponse): void {
    readBody(request, { bytesMax: BODY_BYTES_MAX, budget: this.#budget }, (body) => {
      if (body === 'aborted') return;
      if (typeof body === 'string')
        return sendError(response, badRequest('body_too_large', 'The body is too large.', 413));
      this.#budget.give(body.length);
      const parsed = changesSchema.safeParse(jsonOf(body));
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        const message = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'no thresholds'}`;
        return sendError(response, badRequest('invalid_thresholds', message));
      }
      if (this.#peers.thresholds() === undefined) return sendError(response, NO_GATE);
      const given = Object.entries(parsed.data).filter(([, value]) => value !== undefined);
      this.#peers.setThresholds(Object.fromEntries(given));
      this.#thresholds(response);
    });
  }
}

const NO_GATE = badRequest('no_busy_gate', 'The configuration has no busy gate.', 404);

function sendJson(response: ServerResponse, status: number, body: object): void {
  const text = `${JSON.stringify(body)}\n`;
  const head = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  response.writeHead(status, head).end(text);
}

function sendError(response: ServerResponse, error: ApiError): void {
  const body = errorBody(error);
  response.writeHead(error.status, errorHeaders(error, Buffer.byteLength(body))).end(body);
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
