/** Clients for tests: fetch with JSON, and raw sockets for what no decent client sends. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';

export const CHAT = { model: 'test-model', messages: [{ role: 'user', content: 'hello' }], max_tokens: 5 };

export function post(url: string, body: object | string = CHAT, init: RequestInit = {}): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const headers = { 'content-type': 'application/json', ...(init.headers as Record<string, string> | undefined) };
  return fetch(url, { method: 'POST', body: text, ...init, headers });
}

export function chat(url: string, fields: object = {}, init: RequestInit = {}): Promise<Response> {
  return post(`${url}/v1/chat/completions`, { ...CHAT, ...fields }, init);
}

export interface Failure {
  readonly status: number;
  readonly code: string;
  readonly type: string;
  readonly retryAfter: string | null;
}

/** What an error says. */
export async function failureOf(reply: Response): Promise<Failure> {
  const { error } = (await reply.json()) as { error: { code: string; type: string } };
  const { status, headers } = reply;
  return { status, code: error.code, type: error.type, retryAfter: headers.get('retry-after') };
}

/** Sends bytes and answers all that comes back until the connection closes. */
export async function raw(url: string, ...pieces: readonly (string | Buffer)[]): Promise<string> {
  const socket = rawSocket(url);
  for (const piece of pieces) socket.write(piece);
  return textOf(socket);
}

export function rawSocket(url: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  return socket;
}

export function textOf(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  return new Promise((resolve) => socket.once('close', () => resolve(text)));
}

/** A POST whose reply is read by the test itself. */
export function open(url: string, body: object | string): Promise<IncomingMessage> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, {
      method: 'POST',
      agent: false,
      headers: { 'content-length': Buffer.byteLength(text) },
    });
    request.once('response', resolve);
    request.once('error', reject);
    request.end(text);
  });
}
