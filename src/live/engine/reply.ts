/** One request in a simulated engine and the reply that its client sees grow, in the shape of its endpoint. */
import type { ServerResponse } from 'node:http';
import type { OpenAiRequest } from '../openai-request.ts';
import type { JobView } from '../../worker/worker.ts';
import { TokenText } from './token-text.ts';

export type ReplyShape = 'chat' | 'completion';

export interface ReplyInit {
  readonly id: number;
  readonly shape: ReplyShape;
  readonly request: OpenAiRequest;
  readonly model: string;
  /** Unix seconds. */
  readonly createdSec: number;
  readonly promptTokens: number;
  /** It asked for no number of tokens and ends by itself. */
  readonly stops: boolean;
  /** Tokens after which the connection is cut; Infinity: never. */
  readonly cutAfter: number;
  readonly response: ServerResponse;
}

const JSON_HEADERS = { 'content-type': 'application/json' };
const SSE_HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };

export class EngineReply {
  readonly id: number;
  readonly #init: ReplyInit;
  readonly #text: TokenText;
  /** Known from its first token on. */
  #job: JobView<EngineReply> | undefined;
  #sent = 0;
  #isCut = false;

  constructor(init: ReplyInit) {
    this.id = init.id;
    this.#init = init;
    this.#text = new TokenText(init.request.texts);
  }

  get cutAfter(): number {
    return this.#init.cutAfter;
  }

  get response(): ServerResponse {
    return this.#init.response;
  }

  began(job: JobView<EngineReply>): void {
    this.#job = job;
  }

  /** Sends what was generated since; true once the connection is to be cut. */
  advanced(): boolean {
    const generated = this.#job?.generated ?? 0;
    if (generated > this.#sent && this.#init.request.stream) {
      this.#begin();
      for (; this.#sent < Math.min(generated, this.cutAfter); this.#sent++) this.#chunk(this.#sent, null);
    }
    return generated >= this.cutAfter;
  }

  finished(job: JobView<EngineReply>): void {
    this.#job = job;
    if (this.#init.request.stream) this.#finishStream(job);
    else this.respond(200, this.#whole(job));
  }

  respond(status: number, body: object, headers: Readonly<Record<string, string>> = {}): void {
    const { response } = this.#init;
    const text = JSON.stringify(body);
    response.writeHead(status, { ...JSON_HEADERS, 'content-length': Buffer.byteLength(text), ...headers });
    response.end(text);
  }

  /** The connection breaks in the midst of the reply, after what was sent of it. */
  cut(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    this.#init.response.socket?.destroySoon();
  }

  #begin(): void {
    const { response, shape } = this.#init;
    if (response.headersSent) return;
    response.writeHead(200, SSE_HEADERS);
    if (shape === 'chat') this.#event([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }]);
  }

  #chunk(index: number, finishReason: string | null): void {
    const text = finishReason === null ? this.#text.between(index, index + 1) : '';
    const delta = finishReason === null ? { content: text } : {};
    const choice = this.#init.shape === 'chat' ? { delta } : { text };
    this.#event([{ index: 0, ...choice, finish_reason: finishReason }]);
  }

  #finishStream(job: JobView<EngineReply>): void {
    const { response, request } = this.#init;
    this.#begin();
    this.advanced();
    this.#chunk(job.generated, this.#finishReason);
    if (request.includeUsage) this.#event([], this.#usage(job));
    response.end('data: [DONE]\n\n');
  }

  #event(choices: readonly object[], usage?: object): void {
    const { response, shape } = this.#init;
    const object = shape === 'chat' ? 'chat.completion.chunk' : 'text_completion';
    response.write(`data: ${JSON.stringify({ ...this.#head(object), choices, ...(usage && { usage }) })}\n\n`);
  }

  #whole(job: JobView<EngineReply>): object {
    const isChat = this.#init.shape === 'chat';
    const text = this.#text.between(0, job.generated);
    const choice = isChat ? { message: { role: 'assistant', content: text } } : { text };
    return {
      ...this.#head(isChat ? 'chat.completion' : 'text_completion'),
      choices: [{ index: 0, ...choice, finish_reason: this.#finishReason }],
      usage: this.#usage(job),
    };
  }

  get #finishReason(): string {
    return this.#init.stops ? 'stop' : 'length';
  }

  #head(object: string): object {
    const { shape, id, model, createdSec } = this.#init;
    return { id: `${shape === 'chat' ? 'chatcmpl' : 'cmpl'}-${id}`, object, created: createdSec, model };
  }

  #usage(job: JobView<EngineReply>): object {
    const { promptTokens } = this.#init;
    return {
      prompt_tokens: promptTokens,
      completion_tokens: job.generated,
      total_tokens: promptTokens + job.generated,
      prompt_tokens_details: { cached_tokens: job.cachedTokens },
    };
  }
}
