/**
 * The clients' side: a request is read, known, bounded and understood before the core hears of it; whatever is wrong
 * with it is answered here. The core gets requests that could be served.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Line } from '../../gateway/line.ts';
import type { GatewayHost } from '../core/gateway-host.ts';
import { type ApiError, badRequest } from '../http/api-error.ts';
import { type BodyFailure, readBody } from '../http/body-reader.ts';
import { ByteBudget } from '../http/byte-budget.ts';
import { requestIdOf } from '../http/headers.ts';
import { ANYONE, type Client } from '../http/key-ring.ts';
import { type OpenAiRequest, readOpenAiRequest } from '../openai-request.ts';
import { shuttingDown } from './answers.ts';
import { Exchange, type ExchangePeers } from './exchange.ts';
import { LiveRequest } from './live-request.ts';
import { matchRoute, type RouteMatch, type RouteName } from './routes.ts';
import type { ProxySettings } from './settings.ts';

/** What the front needs of the proxy. */
export interface FrontPeers {
  settings(): ProxySettings;
  /** Answers what anyone may ask of the proxy itself; false leaves the request to the front. */
  answerHealth(name: RouteName, exchange: Exchange): boolean;
  /** Answers what no worker need be asked. */
  answerModels(name: RouteName, exchange: Exchange): boolean;
  /** Nothing new is accepted. */
  isClosing(): boolean;
  closed(exchange: Exchange): void;
}

const HASH_KEY_BYTES = 32;
const NOTHING_ASKED: OpenAiRequest = {
  model: '',
  stream: false,
  includeUsage: false,
  maxOutputTokens: 0,
  texts: [],
  tokenIds: 0,
};

export class Front {
  readonly budget: ByteBudget;
  readonly #host: GatewayHost<LiveRequest>;
  readonly #peers: FrontPeers;
  readonly #shared: ExchangePeers;
  readonly #hashKey = randomBytes(HASH_KEY_BYTES);
  /** Exchanges that are not over. */
  readonly #open = new Line<Exchange>();
  #arrived = 0;

  constructor(host: GatewayHost<LiveRequest>, peers: FrontPeers) {
    this.#host = host;
    this.#peers = peers;
    this.budget = new ByteBudget(peers.settings().config.limits.buffered);
    this.#shared = this.#sharedBy(host, peers);
  }

  /** Every request that node could read. */
  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    const match = matchRoute(request.method ?? '', request.url ?? '');
    const exchange = this.#exchangeOf(request, response, match);
    this.#open.join(exchange);
    this.#host.run(() => {
      const refusal = this.#receive(exchange, match);
      if (refusal !== undefined) exchange.fail(refusal, false);
    });
  };

  /** Requests without a last word, and connections whose reply is still on its way. */
  get open(): Pick<Line<Exchange>, 'size' | 'values'> {
    return this.#open;
  }

  #exchangeOf(request: IncomingMessage, response: ServerResponse, match: RouteMatch): Exchange {
    const requestId = requestIdOf(request.headers['x-request-id']);
    const route = match.kind === 'route' ? match.name : 'none';
    return new Exchange({ request, response, requestId, route }, this.#shared);
  }

  #sharedBy(host: GatewayHost<LiveRequest>, peers: FrontPeers): ExchangePeers {
    return {
      agenda: host.agenda,
      budget: this.budget,
      now: () => host.now(),
      writeTimeoutUs: () => peers.settings().config.write_timeout,
      left: ({ coreId }) => {
        if (coreId >= 0) host.run(() => host.input({ kind: 'abandon', request: coreId }));
      },
      closed: (exchange) => {
        this.#open.leave(exchange);
        peers.closed(exchange);
      },
    };
  }

  /** Answers what is wrong with the request, if anything is at once. */
  #receive(exchange: Exchange, match: RouteMatch): ApiError | undefined {
    if (exchange.request.rawHeaders.length / 2 > this.#peers.settings().config.limits.header_count) {
      return badRequest('headers_too_large', 'There are too many headers.', 431);
    }
    if (match.kind === 'none') return badRequest('unknown_url', 'There is nothing at this URL.', 404);
    if (match.kind === 'method') {
      return wrongMethod(match.allowed);
    }
    if (this.#peers.answerHealth(match.name, exchange)) return undefined;
    if (this.#peers.isClosing()) return shuttingDown();
    const client = this.#clientOf(exchange.request);
    if (client === undefined) return unauthorized();
    exchange.client = client;
    if (exchange.request.method === 'HEAD') return wrongMethod(['GET']);
    if (match.name === 'models') {
      if (this.#peers.answerModels(match.name, exchange)) return undefined;
      this.#arrive(exchange, NOTHING_ASKED);
      return undefined;
    }
    const encoding = exchange.request.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') {
      return badRequest('unsupported_encoding', 'The body must not be compressed.', 415);
    }
    this.#read(exchange);
    return undefined;
  }

  #clientOf(request: IncomingMessage): Client | undefined {
    const { keys } = this.#peers.settings();
    return keys === undefined ? ANYONE : keys.find(request.headers.authorization);
  }

  #read(exchange: Exchange): void {
    exchange.invite();
    const bounds = { bytesMax: this.#peers.settings().config.limits.body, budget: this.budget };
    readBody(exchange.request, bounds, (body) => {
      this.#host.run(() => {
        if (typeof body === 'string') {
          const refusal = bodyError(body);
          if (refusal !== undefined) exchange.fail(refusal, false);
        } else if (exchange.isOver) {
          this.budget.give(body.length);
        } else {
          exchange.keepBody(body);
          this.#understand(exchange, body);
        }
      });
    });
  }

  #understand(exchange: Exchange, body: Buffer): void {
    const asked = readOpenAiRequest(body);
    if ('problem' in asked) {
      exchange.fail(badRequest('invalid_request', `Bad request: ${asked.problem}.`, 400, asked.param), false);
      return;
    }
    const { models } = this.#peers.settings();
    if (models.size > 0 && !models.has(asked.model)) {
      exchange.fail(badRequest('model_not_found', 'The model does not exist here.', 404, 'model'), false);
      return;
    }
    exchange.model = models.has(asked.model) ? asked.model : '';
    exchange.isStreaming = asked.stream;
    this.#arrive(exchange, asked);
  }

  #arrive(exchange: Exchange, asked: OpenAiRequest): void {
    const { client, request: http } = exchange;
    const { headers } = http;
    const id = this.#arrived++;
    exchange.coreId = id;
    const request = new LiveRequest({
      id,
      exchange,
      tenant: client.tenant,
      priority: priorityOf(client, headers['x-spillway-priority']),
      routingKey: textOf(headers['x-spillway-routing-key']),
      targetWorker: client.mayPin ? textOf(headers['x-spillway-worker']) : '',
      asked,
      rules: this.#peers.settings().config.prompt,
      hashKey: this.#hashKey,
    });
    this.#host.input({ kind: 'arrive', request });
  }
}

/** What the client may ask for: a number up to its key's highest. */
function priorityOf(client: Client, header: string | string[] | undefined): number {
  if (client.priorityMax === undefined || typeof header !== 'string') return client.priority;
  return /^-?\d{1,4}$/.test(header) ? Math.min(Number(header), client.priorityMax) : client.priority;
}

const KEY_CHARS_MAX = 256;

function textOf(header: string | string[] | undefined): string {
  return typeof header === 'string' ? header.slice(0, KEY_CHARS_MAX) : '';
}

function unauthorized(): ApiError {
  const message = 'A key of this gateway is needed: Authorization: Bearer KEY.';
  return { status: 401, type: 'authentication_error', code: 'invalid_api_key', message, isFinal: true };
}

function wrongMethod(allow: readonly string[]): ApiError {
  return { ...badRequest('method_not_allowed', `Allowed here: ${allow.join(', ')}.`, 405), allow };
}

/** Undefined: nobody is there to be told. */
function bodyError(failure: BodyFailure): ApiError | undefined {
  switch (failure) {
    case 'too-large':
      return badRequest('body_too_large', 'The body is too large.', 413);
    case 'no-room':
      return {
        ...{ status: 429, type: 'rate_limit_error', code: 'no_buffer_room' },
        ...{ message: 'The gateway holds as many bytes as it may.', retryAfterSec: 1 },
      };
    case 'aborted':
      return undefined;
    default:
      return failure satisfies never;
  }
}
