/**
 * Which headers pass through a gateway, and what it writes itself. Headers travel as they came: order, spelling and
 * repeats included. Those of one connection end at it (RFC 9110, section 7.6.1), and so do the client's credentials.
 */
import { randomUUID } from 'node:crypto';
import type { Dispatcher } from 'undici';

const HOP_BY_HOP = [
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['proxy-authenticate', 'proxy-authorization', 'proxy-authentication-info'],
];
/** `expect` is the gateway's to answer, host and length are the upstream connection's own. */
const REQUEST_STOPS = byLength([
  ...HOP_BY_HOP,
  ...['authorization', 'api-key', 'x-api-key', 'cookie', 'host', 'content-length', 'expect', 'x-request-id'],
  ...['x-spillway-priority', 'x-spillway-worker', 'x-spillway-routing-key'],
]);
const RESPONSE_STOPS = byLength([...HOP_BY_HOP, 'x-request-id', 'x-spillway-error']);

/** Of the request to a worker: what the client sent, the request's id, the worker's key. */
export function requestHeaders(raw: readonly string[], requestId: string, key: string | undefined): string[] {
  const headers = passing(raw, REQUEST_STOPS);
  headers.push('x-request-id', requestId);
  if (key !== undefined) headers.push('authorization', `Bearer ${key}`);
  return headers;
}

/** Of the reply to a client: what the worker sent and the request's id. */
export function responseHeaders(raw: readonly (Buffer | string)[], requestId: string): string[] {
  const text: string[] = [];
  for (const item of raw) text.push(typeof item === 'string' ? item : item.toString('latin1'));
  const headers = passing(text, RESPONSE_STOPS);
  headers.push('x-request-id', requestId);
  return headers;
}

/** The value of a header in a list of names and values; the first one. */
export function headerIn(headers: readonly string[], name: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const each = headers[i] as string;
    if (each.length === name.length && each.toLowerCase() === name) return headers[i + 1];
  }
  return undefined;
}

/** Lower-case names by their length. Most headers have one of which there is none, and need not be looked at. */
type Names = readonly (readonly string[] | undefined)[];

function byLength(names: readonly string[]): Names {
  const lists: string[][] = [];
  for (const name of names) (lists[name.length] ??= []).push(name);
  return lists;
}

function passing(raw: readonly string[], stops: Names): string[] {
  const headers: string[] = [];
  let isNaming = false;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    const same = stops[name.length];
    const stop = same?.includes(name.toLowerCase()) === true;
    if (!stop) headers.push(name, value);
    else isNaming ||= name.length === CONNECTION.length && name.toLowerCase() === CONNECTION && !isUsual(value);
  }
  return isNaming ? without(headers, namedByConnection(raw)) : headers;
}

const CONNECTION = 'connection';

/** Of a `Connection` header: it names no other. */
function isUsual(value: string): boolean {
  return value === 'keep-alive' || value === 'close' || /^(keep-alive|close)$/i.test(value);
}

function without(headers: readonly string[], named: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] as string;
    if (!named.includes(name.toLowerCase())) kept.push(name, headers[i + 1] as string);
  }
  return kept;
}

/** Headers that `Connection` says are of this connection only. */
function namedByConnection(raw: readonly string[]): readonly string[] {
  const named: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if ((raw[i] as string).toLowerCase() !== 'connection') continue;
    for (const name of (raw[i + 1] as string).split(',')) named.push(name.trim().toLowerCase());
  }
  return named;
}

const REQUEST_ID = /^[A-Za-z0-9._:/+=-]{1,128}$/;

/** The client's id for its request when it is one that may be logged and echoed, else a new one. */
export function requestIdOf(given: string | string[] | undefined): string {
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

const US_PER_SEC = 1e6;
const RETRY_AFTER_SEC_MAX = 24 * 3600;

/**
 * What a reply asks for in `retry-after-ms` or `retry-after` (seconds, or a date of `dateMs`'s clock): microseconds, at
 * most a day; -1 when it asks for nothing that makes sense.
 */
export function retryAfterUs(headers: readonly string[], dateMs: number): number {
  const ms = headerIn(headers, 'retry-after-ms');
  if (ms !== undefined && /^\d{1,9}(\.\d+)?$/.test(ms)) return bounded(Number(ms) / 1000);
  const text = headerIn(headers, 'retry-after')?.trim();
  if (text === undefined) return -1;
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return bounded(Number(text));
  const date = /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(date) ? -1 : bounded(Math.max(0, (date - dateMs) / 1000));
}

function bounded(seconds: number): number {
  return Math.round(Math.min(seconds, RETRY_AFTER_SEC_MAX) * US_PER_SEC);
}

/** Names and values in turn of what undici received. */
export function replyHeaders({ rawHeaders }: Dispatcher.DispatchController): string[] {
  return ((rawHeaders ?? []) as Buffer[]).map((item) => item.toString('latin1'));
}
