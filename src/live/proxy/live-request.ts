/**
 * A client's request as the core and its policies see it. The prompt is an estimate: UTF-8 bytes divided by a constant,
 * and keyed hashes of its leading blocks, computed when a policy asks first.
 */
import { createHmac } from 'node:crypto';
import type { RequestInit } from '../../gateway/request.ts';
import type { OpenAiRequest } from '../openai-request.ts';
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

const ID_BYTES = 6;

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

  /** The text of the prompt is needed no more once its hashes are known or the request is over. */
  forget(): void {
    this.#hashes ??= [];
    this.#texts = [];
  }

  /** One id for each leading block, of all up to its end: 48 bits, never 0. */
  #blocks(): readonly number[] {
    if (this.#hashes !== undefined) return this.#hashes;
    const { bytes_per_token: perToken, block_tokens: tokens, blocks } = this.#rules;
    const blockBytes = perToken * tokens;
    const lead = leadingBytes(this.#texts, blockBytes * blocks);
    const hashes: number[] = [];
    let before = Buffer.alloc(0);
    for (let at = 0; at < lead.length; at += blockBytes) {
      const content = lead.subarray(at, at + blockBytes);
      before = createHmac('sha256', this.#hashKey).update(before).update(content).digest();
      hashes.push(1 + before.readUIntBE(0, ID_BYTES));
    }
    this.#hashes = hashes;
    this.#texts = [];
    return hashes;
  }
}

function bytesOf(texts: readonly string[]): number {
  let bytes = 0;
  for (const text of texts) bytes += Buffer.byteLength(text);
  return bytes;
}

/** The first bytes of the prompt; its texts are told apart by a byte that no text has. */
function leadingBytes(texts: readonly string[], bytesMax: number): Buffer {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for (const text of texts) {
    if (bytes >= bytesMax) break;
    // A character is a byte at least, so that more of them are not needed.
    pieces.push(Buffer.from(text.slice(0, bytesMax - bytes)), SEPARATOR);
    bytes += (pieces.at(-2) as Buffer).length + 1;
  }
  return Buffer.concat(pieces).subarray(0, bytesMax);
}

const SEPARATOR = Buffer.from([0xff]);
