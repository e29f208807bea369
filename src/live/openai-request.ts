/**
 * What a gateway and a simulated engine read of an OpenAI request: model, whether the reply streams, how much it may
 * generate, and the prompt's text. Nothing here changes the request; what is not understood is left for the worker to
 * refuse.
 */
import { isUtf8 } from 'node:buffer';

export interface OpenAiRequest {
  /** '' when it names none. */
  readonly model: string;
  readonly stream: boolean;
  /** The stream is to end with the tokens used. */
  readonly includeUsage: boolean;
  /** -1 when it does not say. */
  readonly maxOutputTokens: number;
  /** Texts of the prompt in order, roles included. */
  readonly texts: readonly string[];
  /** Of a prompt given as token ids; 0 otherwise. */
  readonly tokenIds: number;
}

/** Why a body is no request; `param` is the field at fault. */
export interface BadRequest {
  readonly problem: string;
  readonly param: string | null;
}

type Fields = Readonly<Record<string, unknown>>;

/** Texts of one request at most; what lies beyond is left out of the estimate. */
const TEXTS_MAX = 10_000;

export function readOpenAiRequest(body: Buffer): OpenAiRequest | BadRequest {
  if (!isUtf8(body)) return { problem: 'the body is not UTF-8 text', param: null };
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch {
    return { problem: 'the body is not JSON', param: null };
  }
  if (!isFields(parsed)) return { problem: 'the body is not a JSON object', param: null };
  const { model, stream } = parsed;
  if (model !== undefined && typeof model !== 'string') return { problem: 'model is not a string', param: 'model' };
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean') {
    return { problem: 'stream is not a boolean', param: 'stream' };
  }
  const options = parsed['stream_options'];
  const texts: string[] = [];
  const tokenIds = readPrompt(parsed, texts);
  return {
    model: model ?? '',
    stream: stream === true,
    includeUsage: isFields(options) && options['include_usage'] === true,
    maxOutputTokens: maxOutput(parsed),
    texts,
    tokenIds,
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The newest name first. */
function maxOutput(fields: Fields): number {
  for (const name of ['max_completion_tokens', 'max_output_tokens', 'max_tokens']) {
    const value = fields[name];
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  }
  return -1;
}

/** Fills `texts` from chat messages, a prompt, an input; answers the number of token ids given instead. */
function readPrompt(fields: Fields, texts: string[]): number {
  const { messages, prompt, input, instructions } = fields;
  if (typeof instructions === 'string') texts.push(instructions);
  if (Array.isArray(messages)) readMessages(messages, texts);
  let tokenIds = 0;
  for (const value of [prompt, input]) {
    if (typeof value === 'string') texts.push(value);
    else if (Array.isArray(value)) tokenIds += readList(value, texts);
  }
  return tokenIds;
}

/** A prompt's list: texts, token ids, lists of token ids, or the items of a response's input. */
function readList(list: readonly unknown[], texts: string[]): number {
  if (typeof list[0] === 'number') return list.length;
  let tokenIds = 0;
  for (const item of list) {
    if (texts.length >= TEXTS_MAX) break;
    if (typeof item === 'string') texts.push(item);
    else if (Array.isArray(item)) tokenIds += item.length;
  }
  if (isFields(list[0])) readMessages(list, texts);
  return tokenIds;
}

function readMessages(messages: readonly unknown[], texts: string[]): void {
  for (const message of messages) {
    if (texts.length >= TEXTS_MAX) return;
    if (!isFields(message)) continue;
    const { role, content } = message;
    if (typeof role === 'string') texts.push(role);
    if (typeof content === 'string') texts.push(content);
    else if (Array.isArray(content)) readParts(content, texts);
  }
}

function readParts(parts: readonly unknown[], texts: string[]): void {
  for (const part of parts) {
    if (texts.length >= TEXTS_MAX) return;
    if (isFields(part) && typeof part['text'] === 'string') texts.push(part['text']);
  }
}
