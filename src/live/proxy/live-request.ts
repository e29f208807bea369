/**
 * A client's request as the core and its policies see it. The prompt is an estimate: UTF-8 bytes divided by a constant,
 * and keyed hashes of its leading blocks, computed when a policy asks first.
 */
import type { RequestInit } from '../../gateway/request.ts';
import type { OpenAiRequest } from '../openai-request.ts';
import { blockHashes } from '../prompt-blocks.ts';
import type { ProxyConfig } from './config-schema.ts';
import type { Exchange } from './exchange.ts';

export type PromptRules = ProxyConfig['prompt'];

export interface LiveRequestInit {
  readonly id: number;
  readonly exchange: Exchange;
  readonly tenant: string;
  readonly priority: number;
  readonly routingKey: string;
  readonly targetWorker: string;
  readonly asked: OpenAiRequest;
  readonly rules: PromptRules;
  /** Of the prompt's hashes: nobody who has them can try prompts on them. */
  readonly hashKey: Buffer;
}

export class LiveRequest implements RequestInit {
  readonly id: number;
  readonly exchange: Exchange;
  readonly tenant: string;
  readonly priority: number;
  readonly routingKey: string;
  readonly targetWorker: string;
  readonly promptTokens: number;
  readonly maxOutputTokens: number;
  readonly blockTokens: number;
  readonly #rules: PromptRules;
  readonly #hashKey: Buffer;
  #texts: readonly string[];
  #hashes: readonly number[] | undefined;

  constructor(init: LiveRequestInit) {
    const { asked, rules } = init;
    this.id = init.id;
    this.exchange = init.exchange;
    this.tenant = init.tenant;
    this.priority = init.priority;
    this.routingKey = init.routingKey;
    this.targetWorker = init.targetWorker;
    this.promptTokens = asked.tokenIds + Math.ceil(bytesOf(asked.texts) / rules.bytes_per_token);
    this.maxOutputTokens = asked.maxOutputTokens < 0 ? rules.output_tokens : asked.maxOutputTokens;
    this.blockTokens = rules.block_tokens;
    this.#rules = rules;
    this.#hashKey = init.hashKey;
    this.#texts = asked.texts;
  }

  get prefixKey(): number {
    return this.#blocks()[0] ?? 0;
  }

  get blockHashes(): readonly number[] {
    return this.#blocks();
  }

  /** Of its prompt, for as long as nobody asked for its blocks; and the estimate's bytes of a token. */
  get prompt(): { readonly texts: readonly string[]; readonly bytesPerToken: number } {
    return { texts: this.#texts, bytesPerToken: this.#rules.bytes_per_token };
  }

  /** The text of the prompt is needed no more once its hashes are known or the request is over. */
  forget(): void {
    this.#hashes ??= [];
    this.#texts = [];
  }

  #blocks(): readonly number[] {
    if (this.#hashes !== undefined) return this.#hashes;
    const { bytes_per_token: perToken, block_tokens: tokens, blocks } = this.#rules;
    this.#hashes = blockHashes(this.#texts, { bytes: perToken * tokens, most: blocks }, this.#hashKey);
    this.#texts = [];
    return this.#hashes;
  }
}

function bytesOf(texts: readonly string[]): number {
  let bytes = 0;
  for (const text of texts) bytes += Buffer.byteLength(text);
  return bytes;
}
