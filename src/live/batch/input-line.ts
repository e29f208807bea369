/**
 * One line of the input: a request in the form of OpenAI's Batch API, `{custom_id, method, url, body}`. The body goes
 * to the endpoint as it is written, byte for byte: parsing and printing it again would round large numbers.
 */
import { isUtf8 } from 'node:buffer';

/** Paths that a batch may call. A row names one of them, never a host. */
export const BATCH_URLS = ['/v1/chat/completions', '/v1/completions', '/v1/embeddings', '/v1/responses'] as const;
export type BatchUrl = (typeof BATCH_URLS)[number];

const KEYS: readonly string[] = ['custom_id', 'method', 'url', 'body'];
const ID_CHARS_MAX = 512;
const SHOWN_CHARS_MAX = 60;

export interface InputLine {
  readonly customId: string;
  readonly url: BatchUrl;
  /** JSON text of an object. */
  readonly body: string;
}

/** A line is no request. `message` says which key, its value and what is allowed. */
export interface BadLine {
  readonly problem: string;
}

/** `urls`: those that this batch may call. */
export function readInputLine(bytes: Buffer, urls: readonly BatchUrl[]): InputLine | BadLine {
  if (!isUtf8(bytes)) return { problem: 'bytes that are not UTF-8; allowed UTF-8 text' };
  const text = bytes.toString('utf8');
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return { problem: `${shown(text)} is no JSON; allowed one JSON object a line` };
  }
  if (!isObject(line)) return { problem: `value ${shown(text)}; allowed an object with ${KEYS.join(', ')}` };
  const unknown = Object.keys(line).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) return { problem: `${unknown}: unknown key; allowed ${KEYS.join(', ')}` };
  const { custom_id: customId, method, url, body } = line;
  if (typeof customId !== 'string' || customId === '' || customId.length > ID_CHARS_MAX) {
    return wrong('custom_id', customId, `text of 1 to ${ID_CHARS_MAX} characters`);
  }
  if (method !== 'POST') return wrong('method', method, 'POST');
  const known = urls.find((each) => each === url);
  if (known === undefined) return wrong('url', url, urls.join(', '));
  if (!isObject(body)) return wrong('body', body, 'an object');
  if (body['stream'] === true) return wrong('body.stream', true, 'false: the reply of a row comes whole');
  return { customId, url: known, body: memberText(text, 'body') };
}

function wrong(key: string, value: unknown, allowed: string): BadLine {
  const given = value === undefined ? 'missing' : `value ${shown(JSON.stringify(value))}`;
  return { problem: `${key}: ${given}; allowed ${allowed}` };
}

function shown(text: string): string {
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX - 3)}...` : text;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/gs;

/**
 * The text of a member's value in the text of a JSON object, which is known to be sound and to have it. As with
 * JSON.parse the last of several members of one name counts.
 */
export function memberText(text: string, name: string): string {
  let [depth, from, found] = [0, -1, ''];
  let [key, isKeyNext] = ['', false];
  for (const match of text.matchAll(TOKEN)) {
    const [token] = match;
    const mark = token.length === 1 ? token : '"';
    if (mark === '"' && depth === 1 && isKeyNext) key = JSON.parse(token) as string;
    if (mark === ':' && depth === 1) {
      isKeyNext = false;
      if (key === name) from = match.index + 1;
    }
    const isEnd = depth === 1 && (mark === ',' || mark === '}');
    if (isEnd && from >= 0) {
      found = text.slice(from, match.index).trim();
      from = -1;
    }
    if (mark === '{' || mark === '[') depth++;
    else if (mark === '}' || mark === ']') depth--;
    if (depth === 1 && (mark === '{' || mark === ',')) isKeyNext = true;
  }
  return found;
}
