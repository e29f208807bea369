/** Clients that mean no good, or are broken: what they send is answered or cut off, and reaches no worker. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Proxy } from '../../src/live/proxy/proxy.ts';
import { chat, failureOf, post, raw, rawSocket, textOf } from './clients.ts';
import { settingsOf, Stage, until } from './stage.ts';

let stage: Stage;
let seen = 0;
beforeEach(() => {
  stage = new Stage();
  seen = 0;
});
afterEach(() => stage.close());

/** A proxy before a worker that counts what reaches it. */
async function guarded(config: object = {}): Promise<Proxy> {
  const url = await stage.worker((request, response) => {
    seen++;
    request.resume();
    response.end('{}');
  });
  return stage.proxy([url], config);
}

const HEAD = 'POST /v1/completions HTTP/1.1\r\nHost: g\r\n';

describe('a request of two readings', () => {
  it.each([
    ['two lengths', 'Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x'],
    ['a length and chunks', 'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['an odd encoding', 'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
    ['chunked twice', 'Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n'],
    ['a negative length', 'Content-Length: -1\r\n\r\n'],
    ['a length in words', 'Content-Length: two\r\n\r\n{}'],
    ['a bad chunk size', 'Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n'],
    ['a bare line feed', 'X: a\nContent-Length: 2\r\n\r\n{}'],
    ['a blank before the colon', 'Content-Length : 2\r\n\r\n{}'],
    ['a folded header', 'X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}'],
    ['a control character', 'X: a\u0001b\r\nContent-Length: 2\r\n\r\n{}'],
  ])('with %s is refused, and the connection closed', async (_, rest) => {
    const proxy = await guarded();
    const reply = await raw(proxy.url, HEAD + rest);
    expect(reply).toMatch(/^HTTP\/1\.1 400 .*connection: close/is);
    expect(reply).toContain('"code":"malformed_request"');
    expect(seen).toBe(0);
  });

  it('without a host is refused', async () => {
    const proxy = await guarded();
    expect(await raw(proxy.url, 'GET /livez HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('that names another server in its target reaches nobody', async () => {
    const proxy = await guarded();
    const target =
      'POST http://inside/v1/completions HTTP/1.1\r\nHost: g\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}';
    expect(await raw(proxy.url, target)).toMatch(/^HTTP\/1\.1 404 /);
    expect(seen).toBe(0);
  });
});

describe('bounds', () => {
  it('hold for the size and number of headers', async () => {
    const proxy = await guarded({ limits: { headers: '4KiB', header_count: 20 } });
    const long = await raw(proxy.url, `${HEAD}X: ${'x'.repeat(5000)}\r\n\r\n`);
    expect(long).toMatch(/^HTTP\/1\.1 431 .*headers_too_large/s);
    const many = Array.from({ length: 30 }, (_, i) => `X-${i}: y\r\n`).join('');
    const reply = await raw(proxy.url, `${HEAD}Connection: close\r\nContent-Length: 2\r\n${many}\r\n{}`);
    expect(reply).toMatch(/^HTTP\/1\.1 431 .*headers_too_large/s);
    expect(seen).toBe(0);
  });

  it('hold for a body, announced or not', async () => {
    const proxy = await guarded({ limits: { body: '1KiB' } });
    const announced = await post(`${proxy.url}/v1/completions`, `{"prompt":"${'x'.repeat(2000)}"}`);
    expect(await failureOf(announced)).toMatchObject({ status: 413, code: 'body_too_large' });
    const chunk = `${(600).toString(16)}\r\n${'x'.repeat(600)}\r\n`;
    const reply = await raw(proxy.url, `${HEAD}Transfer-Encoding: chunked\r\n\r\n`, chunk, chunk);
    expect(reply).toMatch(/^HTTP\/1\.1 413 .*connection: close/is);
    expect(seen).toBe(0);
  });

  it('hold for all bodies together, by what has come and not by what is announced', async () => {
    const proxy = await guarded({ limits: { body: '1KiB', buffered: '1500B' } });
    const slow = rawSocket(proxy.url);
    slow.write(`${HEAD}Content-Length: 1000\r\n\r\n${' '.repeat(900)}`);
    await until(() => proxy.held()['buffered'] === 900);
    const refused = await post(`${proxy.url}/v1/completions`, `{"prompt":"${'x'.repeat(800)}"}`);
    expect(await failureOf(refused)).toEqual({
      ...{ status: 429, code: 'no_buffer_room', type: 'rate_limit_error', retryAfter: '1' },
    });
    expect((await post(`${proxy.url}/v1/completions`, '{}')).status).toBe(200);
    slow.destroy();
    await until(() => proxy.held()['buffered'] === 0);
  });

  it('hold for the time that headers and bodies may take', async () => {
    const proxy = await guarded({ timeouts: { headers: '100ms', request: '200ms' } });
    const headers = rawSocket(proxy.url);
    headers.write('POST /v1/completions HTTP/1.1\r\nHost:');
    expect(await textOf(headers)).toMatch(/^HTTP\/1\.1 408 .*request_timeout/s);
    const body = rawSocket(proxy.url);
    body.write(`${HEAD}Content-Length: 100\r\n\r\n{`);
    expect(await textOf(body)).toMatch(/^HTTP\/1\.1 408 /);
    await until(() => proxy.held()['buffered'] === 0 && proxy.held()['exchanges'] === 0);
    expect(seen).toBe(0);
  });

  it('hold for the number of connections', async () => {
    const proxy = await guarded({ limits: { connections: 2 } });
    const sockets = [rawSocket(proxy.url), rawSocket(proxy.url)];
    await until(() => proxy.held()['connections'] === 2);
    expect(await raw(proxy.url, 'GET /livez HTTP/1.1\r\nHost: g\r\n\r\n')).toBe('');
    for (const socket of sockets) socket.destroy();
  });
});

describe('other protocols', () => {
  it('are refused: no upgrade, no tunnel', async () => {
    const proxy = await guarded();
    const upgrade = 'GET /v1/models HTTP/1.1\r\nHost: g\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    expect(await raw(proxy.url, upgrade)).toMatch(/^HTTP\/1\.1 501 .*upgrade_refused/s);
    expect(await raw(proxy.url, 'CONNECT inside:80 HTTP/1.1\r\nHost: inside:80\r\n\r\n')).toMatch(/^HTTP\/1\.1 501 /);
    expect(await raw(proxy.url, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(seen).toBe(0);
  });

  it('of a worker break its reply', async () => {
    const url = await stage.worker((request) => {
      request.socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
    });
    const proxy = await stage.proxy([url]);
    expect((await chat(proxy.url)).status).toBe(502);
  });
});

describe('a worker that is broken', () => {
  it.each([
    ['no HTTP', 'SSH-2.0-x\r\n'],
    ['an endless head', `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(20_000)}`],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}'],
    ['an early close', 'HTTP/1.1 200 OK\r\nContent-Le'],
    ['a control character in a header', 'HTTP/1.1 200 OK\r\nX: a\u0001b\r\nContent-Length: 2\r\n\r\n{}'],
  ])('with %s gives 502', async (_, text) => {
    const url = await stage.worker((request) => request.socket.end(text, 'latin1'));
    const proxy = await stage.proxy([url]);
    expect(await failureOf(await chat(proxy.url))).toMatchObject({ status: 502, code: 'upstream_failed' });
  });

  it('may say 100 and 103 first', async () => {
    const url = await stage.worker((request) => {
      const final = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}';
      request.socket.end(`HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${final}`);
    });
    const proxy = await stage.proxy([url]);
    const reply = await chat(proxy.url);
    expect([reply.status, await reply.text()]).toEqual([200, '{}']);
  });
});

describe('keys', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'spillway-'));
  });
  const hash = (key: string): string => createHash('sha256').update(key).digest('hex');
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('are asked of every request but those for health', async () => {
    writeFileSync(join(folder, 'keys.yaml'), `keys: [{tenant: team, sha256: ${hash('secret')}}]`);
    const url = await stage.worker((request, response) => {
      seen++;
      response.end(JSON.stringify(request.headers));
    });
    writeFileSync(join(folder, 'upstream.key'), 'for-workers\n');
    const config = { keys_file: 'keys.yaml', upstream: { key_file: 'upstream.key' } };
    const proxy = await stage.proxy([url], config, { folder });
    const denied = await failureOf(await chat(proxy.url));
    expect(denied).toMatchObject({ status: 401, code: 'invalid_api_key', type: 'authentication_error' });
    expect((await chat(proxy.url, {}, { headers: { authorization: 'Bearer other' } })).status).toBe(401);
    expect((await fetch(`${proxy.url}/v1/models`)).status).toBe(401);
    expect((await fetch(`${proxy.url}/readyz`)).status).toBe(200);
    expect(seen).toBe(0);
    const allowed = await chat(proxy.url, {}, { headers: { authorization: 'Bearer secret' } });
    expect(((await allowed.json()) as { authorization: string }).authorization).toBe('Bearer for-workers');
    await until(() => proxy.held()['exchanges'] === 0);
    const logged = JSON.stringify(stage.logged);
    expect(logged).toContain('"tenant":"team"');
    expect(logged).not.toMatch(/secret|for-workers/);
  });

  it('are needed beyond this machine, unless it is told otherwise', () => {
    const open = { listen: '0.0.0.0:0', workers: ['http://w'] };
    expect(() => settingsOf(open)).toThrow('listen: value 0.0.0.0:0 without keys_file');
    expect(settingsOf(open, { isInsecure: true }).keys).toBeUndefined();
    const admin = { workers: ['http://w'], admin: { listen: '0.0.0.0:0' } };
    expect(() => settingsOf(admin, { isInsecure: true })).toThrow('admin.listen: value 0.0.0.0:0 without a key');
  });
});
