/**
 * `spillway engine`: the simulated worker on a real socket, OpenAI-compatible, for testing any gateway without a GPU.
 * The engine model paces it; faults are switched while it runs. It does not authenticate completions, and listens on
 * loopback unless told otherwise.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { stream } from '../../kernel/rng.ts';
import type { SimWorker, WorkerEvent } from '../../worker/worker.ts';
import { Agenda } from '../agenda.ts';
import { LiveClock } from '../clock.ts';
import { type BodyFailure, readBody } from '../http/body-reader.ts';
import { ByteBudget } from '../http/byte-budget.ts';
import { type OpenAiRequest, readOpenAiRequest } from '../openai-request.ts';
import { engineFaultsSchema } from './engine-faults.ts';
import { type EngineFacts, engineLoads, serverInfo, vllmMetrics } from './engine-metrics.ts';
import { FaultBoard, type FaultReply } from './fault-board.ts';
import { mayChangeFaults } from './fault-access.ts';
import { type LiveWorkerConfig, makeLiveWorker } from './make-worker.ts';
import { Pacer } from './pacer.ts';
import { EngineReply, type ReplyShape } from './reply.ts';
import { blockIds } from './token-text.ts';

export interface LiveEngineConfig {
  readonly worker: LiveWorkerConfig;
  /** Name of the model it serves. */
  readonly model: string;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Virtual time passes so many times as fast as real time. */
  readonly speed: number;
  /** Tokens of a reply whose request names no number. */
  readonly outputTokens: number;
  /** Of the draws of faults. */
  readonly seed: number;
  /** Bearer key for `/faults` from elsewhere than loopback; undefined: loopback only. */
  readonly key: string | undefined;
}

const BYTES_PER_TOKEN = 4;
const BODY_BYTES_MAX = 64 << 20;
const BUFFERED_BYTES_MAX = 512 << 20;
const BLOCKS_MAX = 512;
const US_PER_SEC = 1e6;

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export class LiveEngine {
  /** Resolves when a crash without an end took it down. */
  readonly crashedForGood: Promise<void>;
  #isGone: () => void = () => undefined;
  readonly faults: FaultBoard;
  readonly #config: LiveEngineConfig;
  readonly #clock = new LiveClock();
  readonly #agenda = new Agenda(this.#clock, (job) => job());
  readonly #worker: SimWorker<EngineReply>;
  readonly #pacer: Pacer<EngineReply>;
  readonly #budget = new ByteBudget(BUFFERED_BYTES_MAX);
  readonly #replies = new Set<EngineReply>();
  /** What reached the engine while it hung, in order. */
  #heldBack: (() => void)[] = [];
  #server: Server;
  /** Settled once the last attempt to listen is. */
  #starting: Promise<unknown> = Promise.resolve();
  /** Settled once all servers of the past are gone. */
  #down: Promise<void> = Promise.resolve();
  #port: number;
  #made = 0;
  #reported = { at: 0, tokens: 0, perSec: 0 };
  #isClosed = false;
  readonly #routes: Readonly<Record<string, Handler>> = {
    'POST /v1/chat/completions': (request, response) => this.#complete('chat', request, response),
    'POST /v1/completions': (request, response) => this.#complete('completion', request, response),
    'GET /v1/models': (_, response) => this.#answer(response, () => sendJson(response, 200, this.#models())),
    'GET /health': (_, response) => this.#answer(response, () => sendJson(response, 200, {})),
    'GET /metrics': (_, response) => this.#answer(response, () => sendText(response, vllmMetrics(this.#facts()))),
    'GET /server_info': (_, response) => this.#answer(response, () => sendJson(response, 200, this.#info())),
    'GET /v1/loads': (_, response) => this.#answer(response, () => sendJson(response, 200, this.#loads())),
    'GET /faults': (request, response) => this.#changeFaults(request, response),
    'POST /faults': (request, response) => this.#changeFaults(request, response),
    'DELETE /faults': (request, response) => this.#changeFaults(request, response),
  };

  constructor(config: LiveEngineConfig) {
    this.#config = config;
    this.crashedForGood = new Promise((resolve) => {
      this.#isGone = resolve;
    });
    this.#port = config.port;
    this.#worker = makeLiveWorker(config.worker, config.seed);
    this.#pacer = new Pacer(this.#worker, this.#clock, config.speed, this.#agenda, {
      happened: (event) => this.#happened(event),
      advanced: () => this.#advanced(),
    });
    this.faults = new FaultBoard(this.#agenda, () => this.#clock.now(), stream(config.seed, 'engine/faults'), {
      crash: (isForGood) => this.#crash(isForGood),
      restart: () => void this.#restart(),
      pause: () => this.#pacer.pause(),
      resume: () => this.#resume(),
      slowDown: (factor) => this.#pacer.slowDown(factor),
    });
    this.#server = this.#makeServer();
  }

  /** Resolves with the port once it listens. Rejects when it cannot. */
  listen(): Promise<number> {
    if (this.#isClosed) return Promise.resolve(this.#port);
    const server = this.#server;
    const starting = new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, this.#config.host, () => {
        server.off('error', reject);
        this.#port = (server.address() as AddressInfo).port;
        resolve(this.#port);
      });
    });
    this.#starting = starting.then(ignore, ignore);
    return starting;
  }

  /** Where it listens, or listened last. */
  get url(): string {
    const { host } = this.#config;
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.#port}`;
  }

  /** Requests it runs or keeps waiting. */
  get held(): number {
    return this.#replies.size + this.#heldBack.length;
  }

  /** Drops all it runs. Resolves when no socket is left. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#agenda.close();
    await this.#down;
    await this.#shut();
  }

  #makeServer(): Server {
    return createServer((request, response) => {
      const path = (request.url ?? '/').split('?', 1)[0] as string;
      const handler = Object.hasOwn(this.#routes, `${request.method} ${path}`)
        ? this.#routes[`${request.method} ${path}`]
        : undefined;
      if (handler !== undefined) handler(request, response);
      else sendError(response, 404, `no ${request.method} ${path} here`);
    });
  }

  /** The listener goes first, then every connection. */
  async #shut(): Promise<void> {
    const server = this.#server;
    server.closeAllConnections();
    // One that is about to listen would do so after it was closed.
    await this.#starting;
    if (!server.listening) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  /** Whoever took its port meanwhile keeps it; the engine stays down. */
  async #restart(): Promise<void> {
    await this.#down;
    if (!this.#server.listening) await this.listen().catch(ignore);
  }

  #complete(shape: ReplyShape, request: IncomingMessage, response: ServerResponse): void {
    const bounds = { bytesMax: BODY_BYTES_MAX, budget: this.#budget };
    readBody(request, bounds, (body: Buffer | BodyFailure) => {
      if (typeof body === 'string') {
        if (body !== 'aborted') sendError(response, body === 'too-large' ? 413 : 429, `the body is ${body}`);
        return;
      }
      this.#budget.give(body.length);
      const asked = readOpenAiRequest(body);
      if ('problem' in asked) sendError(response, 400, asked.problem);
      else this.#meetFaults(shape, asked, response);
    });
  }

  #meetFaults(shape: ReplyShape, request: OpenAiRequest, response: ServerResponse): void {
    const late = this.faults.lateUs();
    if (late > 0) {
      const arrival = this.#agenda.deadline(() => this.#submitWhenAwake(shape, request, response));
      this.#agenda.set(arrival, this.#clock.now() + late);
    } else {
      this.#submitWhenAwake(shape, request, response);
    }
  }

  #submitWhenAwake(shape: ReplyShape, request: OpenAiRequest, response: ServerResponse): void {
    this.#whenAwake(() => {
      if (response.destroyed) return;
      const failure = this.faults.reply();
      if (failure === undefined) this.#submit(shape, request, response);
      else refuse(response, failure);
    });
  }

  #submit(shape: ReplyShape, request: OpenAiRequest, response: ServerResponse): void {
    const { model, outputTokens } = this.#config;
    const bytes = request.texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    const promptTokens = Math.max(1, request.tokenIds + Math.ceil(bytes / BYTES_PER_TOKEN));
    const stops = request.maxOutputTokens < 0;
    const reply = new EngineReply({
      ...{ id: this.#made, shape, request, response, promptTokens, stops, model: request.model || model },
      createdSec: Math.floor(Date.now() / 1000),
      cutAfter: this.faults.cutAfter(),
    });
    this.#replies.add(reply);
    response.once('close', () => this.#closed(reply));
    const blockTokens = this.#blockTokens;
    const status = this.#pacer.submit({
      owner: reply,
      drawKey: this.#made++,
      drawTry: 0,
      promptTokens,
      outputTokens: stops ? outputTokens : request.maxOutputTokens,
      hashIds: blockIds(request.texts, blockTokens * BYTES_PER_TOKEN, BLOCKS_MAX),
      hashBlockTokens: blockTokens,
    });
    if (status === 0) return;
    this.#replies.delete(reply);
    const why = status === 400 ? 'the prompt is longer than the engine can hold' : 'the engine is full';
    sendError(response, status, why);
  }

  #happened(event: WorkerEvent<EngineReply>): void {
    const reply = event.job.init.owner;
    if (event.kind === 'first-token') {
      reply.began(event.job);
    } else if (this.#replies.has(reply)) {
      this.#replies.delete(reply);
      if (event.job.generated >= reply.cutAfter) reply.cut();
      else reply.finished(event.job);
    }
  }

  #advanced(): void {
    // Cutting a reply makes its response close later, so the worker is not entered from here.
    for (const reply of this.#replies) if (reply.advanced()) reply.cut();
  }

  /** Its response is over: whole, cut, or left by its client. */
  #closed(reply: EngineReply): void {
    if (!this.#replies.delete(reply)) return;
    this.#whenAwake(() => this.#pacer.cancel(reply));
  }

  /** A hung engine meets what reaches it when it goes on. */
  #whenAwake(job: () => void): void {
    if (this.#pacer.isPaused) this.#heldBack.push(job);
    else job();
  }

  /** Answers, unless the whole process hangs; then the question waits. */
  #answer(response: ServerResponse, job: () => void): void {
    const answer = (): void => {
      if (!response.destroyed) job();
    };
    if (this.faults.isProcessHung) this.#heldBack.push(answer);
    else answer();
  }

  #resume(): void {
    this.#pacer.resume();
    for (const job of this.#heldBack.splice(0)) job();
  }

  #crash(isForGood: boolean): void {
    this.#replies.clear();
    this.#heldBack = [];
    this.#pacer.crash();
    const shutting = this.#shut();
    this.#down = this.#down.then(() => shutting);
    this.#server = this.#makeServer();
    if (isForGood) this.#isGone();
  }

  #changeFaults(request: IncomingMessage, response: ServerResponse): void {
    if (!mayChangeFaults(request, this.#config.key)) {
      sendError(response, 403, 'faults are changed from loopback, or with the key');
      return;
    }
    if (request.method === 'DELETE') this.faults.clear();
    if (request.method === 'POST') this.#armFaults(request, response);
    else sendJson(response, 200, this.#faultList());
  }

  #armFaults(request: IncomingMessage, response: ServerResponse): void {
    readBody(request, { bytesMax: BODY_BYTES_MAX, budget: this.#budget }, (body) => {
      if (typeof body === 'string') return;
      this.#budget.give(body.length);
      const parsed = engineFaultsSchema.safeParse(jsonOf(body));
      if (!parsed.success) {
        sendError(response, 400, parsed.error.issues.map((issue) => issue.message).join('; '));
        return;
      }
      // The answer leaves before a crash takes the connection.
      response.once('finish', () => {
        for (const fault of parsed.data) if (fault.kind === 'crash') this.faults.arm(fault);
      });
      for (const fault of parsed.data) if (fault.kind !== 'crash') this.faults.arm(fault);
      sendJson(response, 200, this.#faultList());
    });
  }

  #faultList(): object {
    const shown = this.faults.list().map((fault) => {
      return Object.fromEntries(
        Object.entries(fault).map(([name, value]) => [name, value === Infinity ? 'none' : value]),
      );
    });
    return { faults: shown };
  }

  #models(): object {
    const { model, worker } = this.#config;
    const length = worker.model === 'engine' && worker.maxModelTokens < Infinity ? worker.maxModelTokens : null;
    const card = { id: model, object: 'model', created: 0, owned_by: 'vllm', max_model_len: length };
    return { object: 'list', data: [card] };
  }

  #info(): object {
    return serverInfo(this.#facts());
  }

  #loads(): object {
    const now = this.#clock.now();
    const { totals } = this.#facts();
    const { at, tokens } = this.#reported;
    const perSec = now > at ? ((totals.generatedTokens - tokens) * US_PER_SEC) / (now - at) : this.#reported.perSec;
    this.#reported = { at: now, tokens: totals.generatedTokens, perSec };
    return engineLoads(this.#facts(), perSec);
  }

  #facts(): EngineFacts {
    const gauges = this.#pacer.gauges();
    return { model: this.#config.model, blockTokens: this.#blockTokens, gauges, totals: this.#worker.totals };
  }

  get #blockTokens(): number {
    const { worker } = this.#config;
    return worker.model === 'engine' ? worker.blockTokens : 16;
  }
}

function refuse(response: ServerResponse, { status, retryAfterUs }: FaultReply): void {
  const headers = retryAfterUs < 0 ? {} : { 'retry-after': String(Math.ceil(retryAfterUs / US_PER_SEC)) };
  sendError(response, status, status === 429 ? 'rate limit reached' : 'a fault was armed', headers);
}

function sendError(
  response: ServerResponse,
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  sendJson(response, status, { error: { message, type: 'engine_error', code: status, param: null } }, headers);
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body);
  const length = Buffer.byteLength(text);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': length, ...headers }).end(text);
}

function sendText(response: ServerResponse, text: string): void {
  const length = Buffer.byteLength(text);
  response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4', 'content-length': length }).end(text);
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function ignore(): void {
  // Whether it listens shows in the server itself.
}
