/** Header rules as tables. */
import { describe, expect, it } from 'vitest';
import { requestHeaders, requestIdOf, responseHeaders, retryAfterUs } from '../../../src/live/http/headers.ts';
import { isLoopback, parseListenAddress, shownAddress } from '../../../src/live/http/listen-address.ts';
import { ReplyTail } from '../../../src/live/http/reply-tail.ts';

const NOW_MS = Date.UTC(2026, 0, 1);

describe('headers of a request', () => {
  it('keep order, spelling and repeats; those of one connection and credentials go', () => {
    const raw = [
      'Host',
      'g',
      'X-A',
      '1',
      'connection',
      'x-b, Close',
      'X-B',
      '2',
      'X-a',
      '3',
      'Authorization',
      'secret',
    ];
    const passed = ['X-A', '1', 'X-a', '3', 'x-request-id', 'id'];
    expect(requestHeaders(raw, 'id', undefined)).toEqual(passed);
    expect(requestHeaders(raw, 'id', 'key')).toEqual([...passed, 'authorization', 'Bearer key']);
  });

  it('of a reply lose the worker’s own id', () => {
    const raw = ['Content-Length', '2', 'X-Request-Id', 'w', 'Transfer-Encoding', 'chunked'].map((text) =>
      Buffer.from(text),
    );
    expect(responseHeaders(raw, 'id')).toEqual(['Content-Length', '2', 'x-request-id', 'id']);
  });
});

describe('a request id', () => {
  it.each(['abc', 'a.b:c_d-e/f+g=', 'x'.repeat(128)])('%s is kept', (id) => expect(requestIdOf(id)).toBe(id));
  it.each([undefined, '', 'a b', 'a"b', 'é', 'x'.repeat(129), ['a', 'b']])('%j is replaced', (id) => {
    expect(requestIdOf(id)).toMatch(/^[0-9a-f]{8}-/);
  });
});

describe('retry-after', () => {
  it.each([
    [['retry-after', '3'], 3e6],
    [['Retry-After', ' 0.5 '], 5e5],
    [['retry-after-ms', '250', 'retry-after', '9'], 25e4],
    [['retry-after', 'Thu, 01 Jan 2026 00:00:10 GMT'], 10e6],
    [['retry-after', 'Wed, 31 Dec 2025 00:00:00 GMT'], 0],
    [['retry-after', '999999999'], 86_400e6],
    [['retry-after', '-1'], -1],
    [['retry-after', 'soon'], -1],
    [['retry-after', ''], -1],
    [[], -1],
  ])('%j asks for %i', (headers, us) => expect(retryAfterUs(headers, NOW_MS)).toBe(us));
});

describe('an address', () => {
  it.each([
    ['127.0.0.1:80', '127.0.0.1', 80, true],
    ['localhost:0', 'localhost', 0, true],
    ['[::1]:8080', '::1', 8080, true],
    ['0.0.0.0:8080', '0.0.0.0', 8080, false],
    ['[::]:8080', '::', 8080, false],
    ['127.example:1', '127.example', 1, false],
  ])('%s', (text, host, port, local) => {
    const parsed = parseListenAddress(text);
    expect(parsed).toEqual({ host, port });
    expect(shownAddress({ host, port })).toBe(text);
    expect(isLoopback(host)).toBe(local);
  });
  it.each(['', '8080', 'a:', 'a:99999', '::1:80', '[x]:80', 'a b:1'])('%j is none', (text) => {
    expect(parseListenAddress(text)).toBeUndefined();
  });
});

describe('the end of a reply', () => {
  it.each([
    [['{"usage":{"total_tokens": 12}}'], 12],
    [['data: {"usage":{"total_to', 'kens":7}}\n\n', 'data: [DONE]\n\n'], 7],
    [['{"content":"\\"total_tokens\\": 99"}'], undefined],
    [['{"usage":{"total_tokens":1}}', 'a', 'b', 'c'], undefined],
    [[], undefined],
  ])('%j says %s', (pieces, tokens) => {
    const tail = new ReplyTail();
    for (const piece of pieces) tail.push(Buffer.from(piece));
    expect(tail.usedTokens).toBe(tokens);
  });
});
