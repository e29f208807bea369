/** The endpoint that a load is sent to: its URL, the form of its requests, the model it serves. */
import { Pool } from 'undici';
import type { Arrival } from '../../workload/arrival.ts';
import { promptText } from './prompt-text.ts';

export interface TargetConfig {
  /** Origin; requests go to its `/v1/…`. */
  readonly url: string;
  readonly api: 'chat' | 'completions';
  readonly isStream: boolean;
  /** Undefined: the first that it lists. */
  readonly model: string | undefined;
  /** Sent as a bearer token. */
  readonly key: string | undefined;
  /** Replies are as long as asked: `ignore_eos`, which vLLM and SGLang know. */
  readonly ignoresEos: boolean;
}

/** The endpoint cannot be used as it is; `message` says why and what is allowed. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
}

const LIST_TIMEOUT_MS = 10_000;
/** What the form of a chat takes beside the text: the role. */
const CHAT_TOKENS = 1;

export class LoadTarget {
  readonly #config: TargetConfig;
  readonly #pool: Pool;
  #model = '';

  constructor(config: TargetConfig) {
    this.#config = config;
    this.#pool = new Pool(config.url, { pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
  }

  /** Finds the model where none is named. Rejects with TargetError. */
  async open(): Promise<void> {
    this.#model = this.#config.model ?? (await this.#firstModel());
  }

  get pool(): Pool {
    return this.#pool;
  }

  get isStream(): boolean {
    return this.#config.isStream;
  }

  /** Resolves when no connection is left; what runs is cut off. */
  close(): Promise<void> {
    return this.#pool.destroy();
  }

  /** Path, headers and body of a request. `number`: of its text, where that is its own. */
  request(arrival: Arrival, number: number): { path: string; headers: string[]; body: string } {
    const { api, isStream, ignoresEos } = this.#config;
    const isChat = api === 'chat';
    const text = arrival.prompt ?? promptText(arrival, number, isChat ? CHAT_TOKENS : 0);
    const body = JSON.stringify({
      model: this.#model,
      ...(isChat ? { messages: [{ role: 'user', content: text }] } : { prompt: text }),
      max_tokens: Math.max(1, arrival.outputTokens),
      ...(isStream ? { stream: true, stream_options: { include_usage: true } } : {}),
      ...(ignoresEos ? { ignore_eos: true } : {}),
    });
    return { path: isChat ? '/v1/chat/completions' : '/v1/completions', headers: this.#headers(), body };
  }

  #headers(): string[] {
    const headers = ['content-type', 'application/json'];
    const { key } = this.#config;
    if (key !== undefined) headers.push('authorization', `Bearer ${key}`);
    return headers;
  }

  async #firstModel(): Promise<string> {
    const { url } = this.#config;
    let listed: unknown;
    try {
      const { statusCode, body } = await this.#pool.request({
        path: '/v1/models',
        method: 'GET',
        headers: this.#headers(),
        headersTimeout: LIST_TIMEOUT_MS,
        bodyTimeout: LIST_TIMEOUT_MS,
      });
      const text = await body.text();
      if (statusCode !== 200) throw new TargetError(`${url}/v1/models: status ${statusCode}; allowed 200, or --model`);
      listed = JSON.parse(text);
    } catch (error) {
      if (error instanceof TargetError) throw error;
      const { code = String(error) } = error as NodeJS.ErrnoException;
      const reason = error instanceof SyntaxError ? 'no JSON' : code;
      throw new TargetError(`${url}/v1/models: ${reason}; allowed a list of models, or --model`);
    }
    const models = (listed as { readonly data?: readonly { readonly id?: unknown }[] } | null)?.data;
    const id = Array.isArray(models) ? (models[0] as { readonly id?: unknown } | undefined)?.id : undefined;
    if (typeof id === 'string') return id;
    throw new TargetError(`${url}/v1/models: no model; allowed one at least, or --model`);
  }
}
