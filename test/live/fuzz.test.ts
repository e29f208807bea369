/**
 * Mutated bytes on both sides of a proxy, split anywhere. Whatever comes in, each answer is a whole HTTP reply, workers
 * see nothing but requests that are whole, and nothing is left; whatever a worker answers, its client hears an end.
 */
import type { ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CHAT, chat, open, rawSocket, textOf } from './clients.ts';
import { Stage, until } from './stage.ts';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

const BODY = JSON.stringify(CHAT);
const HEAD = 'POST /v1/chat/completions HTTP/1.1\r\nHost: g\r\n';
const REQUESTS = [
  `${HEAD}Content-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
  `${HEAD}Transfer-Encoding: chunked\r\n\r\n${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`,
  `GET /v1/models HTTP/1.1\r\nHost: g\r\nX-Request-Id: a-1\r\n\r\n`,
  `${HEAD}Expect: 100-continue\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
];
const EVENTS = 'data: {"n":1}\n\ndata: {"n":2}\r\n\r\n: note\n\ndata: [DONE]\n\n';
const REPLIES = [
  `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n${EVENTS}`,
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n' +
    `${EVENTS.length.toString(16)}\r\n${EVENTS}\r\n0\r\n\r\n`,
  'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"a":"b"}',
  'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 429 Too Many\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}',
];
const WORDS = [
  ...['\r\n', '\n', '\r', '\0', ' ', ':', '{', '}', '"', '\xff', '\xc3', '0', '-1', 'ffffffffffffffff', '\r\n\r\n'],
  ...['Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n', 'Connection: upgrade\r\nUpgrade: h2c\r\n'],
  ...['HTTP/1.1 200 OK\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n', 'data: [DONE]\n\n', 'X: y\r\n'.repeat(200)],
];

const place = fc.double({ min: 0, max: 1, noNaN: true });
const mutation = fc.oneof(
  fc.record({ do: fc.constant('insert' as const), at: place, word: fc.constantFrom(...WORDS) }),
  fc.record({ do: fc.constant('drop' as const), at: place, bytes: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ do: fc.constant('flip' as const), at: place, byte: fc.integer({ min: 0, max: 255 }) }),
  fc.record({ do: fc.constant('repeat' as const), at: place, bytes: fc.integer({ min: 1, max: 60 }) }),
  fc.record({ do: fc.constant('cut' as const), at: place }),
);
type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

function mutated(text: string, mutations: readonly Mutation[]): Buffer {
  let bytes = text;
  for (const change of mutations) {
    const at = Math.floor(change.at * bytes.length);
    const [before, after] = [bytes.slice(0, at), bytes.slice(at)];
    if (change.do === 'insert') bytes = before + change.word + after;
    else if (change.do === 'drop') bytes = before + after.slice(change.bytes);
    else if (change.do === 'flip') bytes = before + String.fromCharCode(change.byte) + after.slice(1);
    else if (change.do === 'repeat') bytes = before + after.slice(0, change.bytes) + after;
    else bytes = before;
  }
  return Buffer.from(bytes, 'latin1');
}

function message(texts: readonly string[]) {
  return fc
    .record({
      text: fc.constantFrom(...texts),
      mutations: fc.array(mutation, { maxLength: 4 }),
      splits: fc.array(place, { maxLength: 4 }),
    })
    .map(({ text, mutations, splits }) => {
      const bytes = mutated(text, mutations);
      const at = [0, ...splits.map((split) => Math.floor(split * bytes.length)).sort((a, b) => a - b), bytes.length];
      return at.slice(1).map((to, i) => bytes.subarray(at[i], to));
    });
}

it('lets no mutated request through that is not whole, and keeps serving', async () => {
  const strange: string[] = [];
  const url = await stage.worker((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
    request.on('end', () => {
      const [path] = (request.url ?? '').split('?');
      const isWhole = request.method === 'GET' ? path === '/v1/models' && body === '' : isObject(body);
      if (!isWhole || !/^\/v1\/(chat\/completions|models)$/.test(path ?? '')) strange.push(`${request.url} ${body}`);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  const proxy = await stage.proxy([url]);
  await fc.assert(
    fc.asyncProperty(message(REQUESTS), async (pieces) => {
      const socket = rawSocket(proxy.url);
      for (const piece of pieces) await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
      socket.end();
      const said = (await textOf(socket)).replaceAll('HTTP/1.1 100 Continue\r\n\r\n', '');
      expect(said).toMatch(/^(HTTP\/1\.1 [2-5]\d\d [\s\S]*)?$/);
      expect(strange).toEqual([]);
    }),
    { seed: 11, numRuns: 250 },
  );
  expect((await chat(proxy.url)).status).toBe(200);
  await until(() => proxy.held()['exchanges'] === 0 && proxy.held()['buffered'] === 0);
});

it('gives every client an end, whatever its worker answers', async () => {
  let pieces: readonly Buffer[] = [];
  const url = await stage.worker((_, response) => void replyWith(pieces, response).catch(() => undefined));
  const proxy = await stage.proxy([url], { policies: { timeouts: { request: '5s' } } });
  await fc.assert(
    fc.asyncProperty(message(REPLIES), async (reply) => {
      pieces = reply;
      const heard = await open(`${proxy.url}/v1/chat/completions`, BODY);
      let text = '';
      heard.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
      await finished(heard).catch(() => undefined);
      expect(heard.statusCode).toBeGreaterThanOrEqual(200);
      const broken = text.lastIndexOf('"code":"upstream_failed"');
      if (heard.statusCode === 200 && broken >= 0) expect(text.slice(broken)).not.toContain('[DONE]');
      await until(() => proxy.held()['exchanges'] === 0 && proxy.held()['leases'] === 0);
    }),
    { seed: 12, numRuns: 200 },
  );
});

async function replyWith(pieces: readonly Buffer[], response: ServerResponse): Promise<void> {
  const { socket } = response;
  for (const piece of pieces) {
    await new Promise<void>((resolve, reject) => {
      socket?.write(piece, (error) => (error ? reject(error) : resolve()));
    });
  }
  socket?.end();
}

function isObject(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}
