/**
 * `spillway engine`: the simulated worker on a real socket, OpenAI-compatible, for testing any gateway without a GPU.
 * The engine model paces it; faults are switched while it runs. It does not authenticate completions, and listens on
 * loopback unless told otherwise.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { stream } from '../../kernel/rng.ts';
import type { JobView, SimWorker, WorkerEvent } from '../../worker/worker.ts';
import { Agenda } from '../agenda.ts';
import { LiveClock } from '../clock.ts';
import { type BodyFailure, readBody } from '../http/body-reader.ts';
import { ByteBudget } from '../http/byte-budget.ts';
import { type OpenAiRequest, readOpenAiRequest } from '../openai-request.ts';
import { sendError, sendJson, sendMetrics } from './answers.ts';
import { type EngineFacts, engineLoads, serverInfo, vllmMetrics } from './engine-metrics.ts';
import { EngineSocket } from './engine-socket.ts';
import { FaultBoard, type FaultReply, type Way } from './fault-board.ts';
import { FaultRoutes } from './fault-routes.ts';
import { HeldBack } from './held-back.ts';
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
  /** Resolves when a fault without an end took it down. */
  readonly gone: Promise<void>;
  #isGone: () => void = () => undefined;
  readonly faults: FaultBoard;
  readonly #config: LiveEngineConfig;
  readonly #clock = new LiveClock();
  readonly #agenda = new Agenda(this.#clock, (job) => job());
  readonly #worker: SimWorker<EngineReply>;
  readonly #pacer: Pacer<EngineReply>;
  readonly #bounds = { bytesMax: BODY_BYTES_MAX, budget: new ByteBudget(BUFFERED_BYTES_MAX) };
  readonly #replies = new Set<EngineReply>();
  readonly #heldBack = new HeldBack();
  readonly #socket: EngineSocket;
  #made = 0;
  /** Completions that were asked for and whose connection still waits. */
  #open = 0;
  #reported = { at: 0, tokens: 0, perSec: 0 };
  readonly #routes: Readonly<Record<string, Handler>>;

  constructor(config: LiveEngineConfig) {
    this.#config = config;
    this.gone = new Promise((resolve) => {
      this.#isGone = resolve;
    });
    this.#worker = makeLiveWorker(config.worker, config.seed);
    this.#pacer = new Pacer(this.#worker, this.#clock, config.speed, this.#agenda, {
      happened: (event) => this.#happened(event),
      advanced: () => this.#advanced(),
    });
    this.faults = this.#faultBoard();
    this.#routes = this.#routeTable();
    this.#socket = new EngineSocket(config.host, config.port, (request, response) => this.#route(request, response));
  }

  /** Resolves with the port once it listens. Rejects when it cannot. */
  listen(): Promise<number> {
    return this.#socket.listen();
  }

  /** Where it listens, or listened last. */
  get url(): string {
    return this.#socket.url;
  }

  /** Requests it runs or keeps waiting. */
  get held(): number {
    return this.#replies.size + this.#heldBack.size;
  }

  /** Drops all it runs. Resolves when no socket is left. */
  async close(): Promise<void> {
    this.#agenda.close();
    await this.#socket.close();
  }

  #faultBoard(): FaultBoard {
    return new FaultBoard(this.#agenda, () => this.#clock.now(), stream(this.#config.seed, 'engine/faults'), {
      goDown: (isForGood) => this.#goDown(isForGood),
      comeBack: () => void this.#socket.comeBack(),
      pause: () => this.#pacer.pause(),
      resume: () => {
        this.#pacer.resume();
        this.#reopened();
      },
      slowDown: (factor) => this.#pacer.slowDown(factor),
      reopened: () => this.#reopened(),
      isIdle: () => this.#open === 0,
    });
  }

  #routeTable(): Record<string, Handler> {
    const faults = new FaultRoutes(this.faults, this.#bounds, this.#config.key);
    const change: Handler = (request, response) => faults.handle(request, response);
    const answer = (way: Way, job: (response: ServerResponse) => void): Handler => {
      return (_, response) => this.#pass(way, () => job(response), response);
    };
    return {
      'POST /v1/chat/completions': (request, response) => this.#complete('chat', request, response),
      'POST /v1/completions': (request, response) => this.#complete('completion', request, response),
      'GET /v1/models': answer('requests', (response) => sendJson(response, 200, this.#models())),
      'GET /health': answer('probes', (response) => this.#health(response)),
      'GET /metrics': answer('reports', (response) => sendMetrics(response, vllmMetrics(this.#facts()))),
      'GET /server_info': answer('reports', (response) => sendJson(response, 200, serverInfo(this.#facts()))),
      'GET /v1/loads': answer('reports', (response) => sendJson(response, 200, this.#loads())),
      'GET /faults': change,
      'POST /faults': change,
      'DELETE /faults': change,
    };
  }

  #route(request: IncomingMessage, response: ServerResponse): void {
    if (this.faults.skewUs() !== 0) response.setHeader('date', new Date(this.#unixSec() * 1000).toUTCString());
    const path = (request.url ?? '/').split('?', 1)[0] as string;
    const place = `${request.method} ${path}`;
    const handler = Object.hasOwn(this.#routes, place) ? this.#routes[place] : undefined;
    if (handler !== undefined) handler(request, response);
    else sendError(response, 404, `no ${place} here`);
  }

  #complete(shape: ReplyShape, request: IncomingMessage, response: ServerResponse): void {
    this.#open++;
    response.once('close', () => {
      this.#open--;
      if (this.#open === 0) this.faults.idle();
    });
    readBody(request, this.#bounds, (body: Buffer | BodyFailure) => {
      if (typeof body === 'string') {
        if (body !== 'aborted') sendError(response, body === 'too-large' ? 413 : 429, `the body is ${body}`);
        return;
      }
      this.#bounds.budget.give(body.length);
      const asked = readOpenAiRequest(body);
      if ('problem' in asked) sendError(response, 400, asked.problem);
      else this.#meetFaults(shape, asked, response);
    });
  }

  #meetFaults(shape: ReplyShape, request: OpenAiRequest, response: ServerResponse): void {
    const late = this.faults.lateUs();
    if (late > 0) {
      const arrival = this.#agenda.deadline(() => this.#arrive(shape, request, response));
      this.#agenda.set(arrival, this.#clock.now() + late);
    } else {
      this.#arrive(shape, request, response);
    }
  }

  #arrive(shape: ReplyShape, request: OpenAiRequest, response: ServerResponse): void {
    const job = (): void => {
      const failure = this.faults.reply();
      if (failure === undefined) this.#submit(shape, request, response);
      else refuse(response, failure);
    };
    this.#pass('completions', job, response);
  }

  #submit(shape: ReplyShape, request: OpenAiRequest, response: ServerResponse): void {
    const { model, outputTokens } = this.#config;
    const bytes = request.texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    const promptTokens = Math.max(1, request.tokenIds + Math.ceil(bytes / BYTES_PER_TOKEN));
    const stops = request.maxOutputTokens < 0;
    const reply = new EngineReply({
      ...{ id: this.#made, shape, request, response, promptTokens, stops, model: request.model || model },
      createdSec: Math.floor(this.#unixSec()),
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
    const { job } = event;
    const reply = job.init.owner;
    if (event.kind === 'first-token') reply.began(job);
    else this.#pass('completions', () => this.#over(reply, job));
  }

  #over(reply: EngineReply, job: JobView<EngineReply>): void {
    if (!this.#replies.delete(reply)) return;
    if (job.generated >= reply.cutAfter) reply.cut();
    else reply.finished(job);
  }

  #advanced(): void {
    if (this.faults.isShut('completions')) return;
    // Cutting a reply makes its response close later, so the worker is not entered from here.
    for (const reply of this.#replies) if (reply.advanced()) reply.cut();
  }

  /** Its response is over: whole, cut, or left by its client. */
  #closed(reply: EngineReply): void {
    if (!this.#replies.delete(reply)) return;
    this.#pass('completions', () => this.#pacer.cancel(reply));
  }

  /** At once, or when this way is open again; `asker` may be gone by then. */
  #pass(way: Way, job: () => void, asker?: ServerResponse): void {
    if (this.faults.isShut(way)) this.#heldBack.add(way, job, asker);
    else if (asker?.destroyed !== true) job();
  }

  #reopened(): void {
    this.#advanced();
    this.#heldBack.release((way) => this.faults.isShut(way));
  }

  #goDown(isForGood: boolean): void {
    this.#replies.clear();
    this.#heldBack.clear();
    this.#pacer.crash();
    this.#socket.goDown();
    if (isForGood) this.#isGone();
  }

  #health(response: ServerResponse): void {
    if (this.faults.isDraining) sendError(response, 503, 'the engine drains');
    else sendJson(response, 200, {});
  }

  #models(): object {
    const { model, worker } = this.#config;
    const length = worker.model === 'engine' && worker.maxModelTokens < Infinity ? worker.maxModelTokens : null;
    const card = { id: model, object: 'model', created: 0, owned_by: 'vllm', max_model_len: length };
    return { object: 'list', data: [card] };
  }

  #loads(): object {
    const now = this.#clock.now();
    const { totals } = this.#facts();
    const { at, tokens } = this.#reported;
    const perSec = now > at ? ((totals.generatedTokens - tokens) * US_PER_SEC) / (now - at) : this.#reported.perSec;
    this.#reported = { at: now, tokens: totals.generatedTokens, perSec };
    return engineLoads(this.#facts(), perSec, this.#unixSec());
  }

  #facts(): EngineFacts {
    const gauges = this.#pacer.gauges();
    return { model: this.#config.model, blockTokens: this.#blockTokens, gauges, totals: this.#worker.totals };
  }

  /** By its own clock, which may be wrong. */
  #unixSec(): number {
    return (Date.now() + this.faults.skewUs() / 1000) / 1000;
  }

  get #blockTokens(): number {
    const { worker } = this.#config;
    return worker.model === 'engine' ? worker.blockTokens : 16;
  }
}

function refuse(response: ServerResponse, { status, retryAfterUs, why }: FaultReply): void {
  const headers = retryAfterUs < 0 ? {} : { 'retry-after': String(Math.ceil(retryAfterUs / US_PER_SEC)) };
  sendError(response, status, why, headers);
}
