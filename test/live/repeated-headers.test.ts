/** Headers that come twice and bodies that are no UTF-8: what the proxy makes of them, and what of it a worker sees. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Proxy } from '../../src/live/proxy/proxy.ts';
import { raw } from './clients.ts';
import { Stage } from './stage.ts';

let stage: Stage;
/** Header lists as they reached the worker. */
let seen: string[][] = [];
beforeEach(() => {
  stage = new Stage();
  seen = [];
});
afterEach(() => stage.close());

async function guarded(): Promise<Proxy> {
  const url = await stage.worker((request, response) => {
    seen.push(request.rawHeaders);
    request.resume();
    response.end('{}');
  });
  return stage.proxy([url]);
}

const HEAD = 'POST /v1/completions HTTP/1.1\r\nHost: g\r\nConnection: close\r\nContent-Length: 2\r\n';

/** Values by name, in order, as the worker got them. */
function values(headers: readonly string[], name: string): string[] {
  return headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === name);
}

describe('a header that comes twice', () => {
  it('passes twice, in order and spelling', async () => {
    const proxy = await guarded();
    expect(await raw(proxy.url, `${HEAD}X-A: 1\r\nx-b: 2\r\nX-a: 3\r\n\r\n{}`)).toMatch(/^HTTP\/1\.1 200 /);
    const [headers = []] = seen;
    expect(values(headers, 'x-a')).toEqual(['1', '3']);
    expect(headers).toEqual(expect.arrayContaining(['X-A', 'x-b', 'X-a']));
  });

  it('passes never where it may not pass once, in whatever case', async () => {
    const proxy = await guarded();
    const secrets = 'Authorization: Bearer a\r\nAUTHORIZATION: Bearer b\r\nCookie: c\r\ncOOkie: d\r\nX-API-Key: e\r\n';
    const own = 'X-Request-Id: a\r\nx-request-id: b\r\nX-Spillway-Worker: w\r\nTE: trailers\r\nte: gzip\r\n';
    expect(await raw(proxy.url, `${HEAD}${secrets}${own}\r\n{}`)).toMatch(/^HTTP\/1\.1 200 /);
    const [headers = []] = seen;
    for (const name of ['authorization', 'cookie', 'x-api-key', 'x-spillway-worker', 'te']) {
      expect([name, values(headers, name)]).toEqual([name, []]);
    }
    expect(values(headers, 'x-request-id')).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)]);
  });

  it('is refused where two of it would mean two requests', async () => {
    const proxy = await guarded();
    expect(await raw(proxy.url, `${HEAD}Content-Length: 2\r\n\r\n{}`)).toMatch(/^HTTP\/1\.1 400 /);
    const encodings = 'POST /v1/completions HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n';
    const chunked = `${encodings}Transfer-Encoding: identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n`;
    expect(await raw(proxy.url, chunked)).toMatch(/^HTTP\/1\.1 400 /);
    expect(seen).toEqual([]);
  });
});

describe('a body that is no UTF-8', () => {
  it.each([
    ['a lone continuation byte', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['half a surrogate pair', [0xed, 0xa0, 0x80]],
    ['a character cut off', [0xe2, 0x82]],
    ['a byte of no character', [0xff]],
  ])('is refused: %s', async (_, bytes) => {
    const proxy = await guarded();
    const body = Buffer.concat([Buffer.from('{"prompt":"'), Buffer.from(bytes), Buffer.from('"}')]);
    const reply = await fetch(`${proxy.url}/v1/completions`, { method: 'POST', body });
    expect(reply.status).toBe(400);
    expect(await reply.json()).toMatchObject({ error: { code: 'invalid_request', type: 'invalid_request_error' } });
    expect(seen).toEqual([]);
  });
});
