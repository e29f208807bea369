/** What clients are told: one status and one code for each way a request can fail. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chat, failureOf, post } from './clients.ts';
import { Stage, until } from './stage.ts';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

const ONE = { capacity: { name: 'fixed', max: 1 } };

describe('the gateway', () => {
  it('answers 429 when its queue is full, and 503 when a request waited too long in it', async () => {
    const engine = await stage.engine();
    engine.faults.arm({ kind: 'hang', scope: 'engine', for: Infinity });
    const policies = { ...ONE, queue: { name: 'fifo', size: 1, timeout: '300ms' } };
    const proxy = await stage.proxy([engine.url], { policies });
    const running = chat(proxy.url);
    await until(() => proxy.held()['leases'] === 1);
    const waiting = chat(proxy.url);
    await until(() => proxy.held()['waiting'] === 1);
    const full = { status: 429, code: 'queue_full', type: 'rate_limit_error', retryAfter: '1' };
    expect(await failureOf(await chat(proxy.url))).toEqual(full);
    const late = { status: 503, code: 'queue_timeout', type: 'overloaded_error', retryAfter: '1' };
    expect(await failureOf(await waiting)).toEqual(late);
    engine.faults.clear();
    expect((await running).status).toBe(200);
  });

  it('answers 503 without a worker', async () => {
    const policies = { timeouts: { worker: '50ms' }, health: { name: 'probes', interval: '10s' } };
    const proxy = await stage.proxy(['http://127.0.0.1:9'], { policies });
    expect(await failureOf(await chat(proxy.url))).toMatchObject({ status: 503, code: 'no_worker' });
    expect((await fetch(`${proxy.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${proxy.url}/livez`)).status).toBe(200);
  });

  it('answers 529 when every worker is busy', async () => {
    const engine = await stage.engine();
    engine.faults.arm({ kind: 'hang', scope: 'engine', for: Infinity });
    const policies = { gates: [{ name: 'concurrency-limit', max: 1 }], timeouts: { worker: '50ms' } };
    const proxy = await stage.proxy([engine.url], { policies });
    const running = chat(proxy.url);
    await until(() => proxy.held()['leases'] === 1);
    expect(await failureOf(await chat(proxy.url))).toMatchObject({ status: 529, code: 'all_busy', retryAfter: '1' });
    engine.faults.clear();
    expect((await running).status).toBe(200);
    expect(await proxy.metrics.registry.metrics()).toMatch(
      /spillway_gate_refusals_total\{gate="concurrency-limit"\} \d/,
    );
  });

  it('answers 504 at the deadline of the request, and when every attempt took too long', async () => {
    const engine = await stage.engine();
    engine.faults.arm({ kind: 'hang', scope: 'process', for: Infinity });
    const late = await stage.proxy([engine.url], { policies: { timeouts: { request: '100ms' } } });
    expect(await failureOf(await chat(late.url))).toMatchObject({ status: 504, code: 'deadline' });
    const slow = await stage.proxy([engine.url], { policies: { timeouts: { attempt: '50ms' } } });
    expect(await failureOf(await chat(slow.url))).toMatchObject({ status: 504, code: 'upstream_timeout' });
    await until(() => engine.held === 0 || slow.held()['leases'] === 0);
  });

  it('answers 502 when workers fail, with the wait that they asked for', async () => {
    const url = await stage.worker((_, response) => response.writeHead(503, { 'retry-after': '7' }).end('busy'));
    const proxy = await stage.proxy([url]);
    const failed = { status: 502, code: 'upstream_failed', type: 'upstream_error', retryAfter: '7' };
    expect(await failureOf(await chat(proxy.url))).toEqual(failed);
    const gone = await stage.proxy(['http://127.0.0.1:9']);
    expect(await failureOf(await chat(gone.url))).toMatchObject({ status: 502, code: 'upstream_failed' });
  });

  it('answers 429 when a tenant has used up its rate', async () => {
    const engine = await stage.engine();
    const rate = { name: 'tenant-limit', default: { requestsPerMinute: 1, tokensPerMinute: 1e6 } };
    const proxy = await stage.proxy([engine.url], { policies: { rate } });
    expect((await chat(proxy.url)).status).toBe(200);
    const failure = await failureOf(await chat(proxy.url));
    expect(failure).toMatchObject({ status: 429, code: 'rate_limited', type: 'rate_limit_error' });
    expect(Number(failure.retryAfter)).toBeGreaterThan(0);
  });

  it('never counts an error as something to be tried again at once when the request itself is wrong', async () => {
    const engine = await stage.engine();
    const proxy = await stage.proxy([engine.url], { models: ['test-model'] });
    const reply = await chat(proxy.url, { model: 'other' });
    expect(reply.headers.get('x-should-retry')).toBe('false');
    expect(await failureOf(reply)).toMatchObject({ status: 404, code: 'model_not_found' });
    expect(await proxy.metrics.registry.metrics()).not.toContain('model="other-model"');
  });
});

describe("a worker's own error", () => {
  it.each([400, 404, 413, 422, 429])('%i about the request passes whole', async (status) => {
    const url = await stage.worker((_, response) => {
      response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '3', 'x-own': 'w' });
      response.end('{"error":{"message":"of the worker"}}');
    });
    const proxy = await stage.proxy([url]);
    const reply = await chat(proxy.url);
    expect(reply.status).toBe(status);
    expect(reply.headers.get('x-own')).toBe('w');
    expect(reply.headers.get('retry-after')).toBe('3');
    expect(await reply.text()).toBe('{"error":{"message":"of the worker"}}');
  });

  it.each([301, 401, 403, 500, 501])('%i about the worker becomes 502', async (status) => {
    const url = await stage.worker((_, response) => response.writeHead(status, { location: 'http://inside/' }).end());
    const proxy = await stage.proxy([url]);
    const reply = await chat(proxy.url);
    expect(reply.headers.get('location')).toBeNull();
    expect(await failureOf(reply)).toMatchObject({ status: 502, code: 'upstream_failed' });
  });

  it('that is too long becomes 502', async () => {
    const url = await stage.worker((_, response) => response.writeHead(400).end('x'.repeat(200_000)));
    const proxy = await stage.proxy([url]);
    expect(await failureOf(await chat(proxy.url))).toMatchObject({ status: 502, code: 'upstream_failed' });
  });
});

describe('a request that no worker need see', () => {
  it.each([
    ['no JSON', '{', 400, 'invalid_request'],
    ['a list', '[]', 400, 'invalid_request'],
    ['a model that is no text', '{"model":1}', 400, 'invalid_request'],
    ['a stream that is no truth', '{"stream":"yes"}', 400, 'invalid_request'],
  ])('with %s is refused', async (_, body, status, code) => {
    const proxy = await stage.proxy(['http://127.0.0.1:9']);
    expect(await failureOf(await post(`${proxy.url}/v1/completions`, body))).toMatchObject({ status, code });
  });

  it('goes to no unknown URL, by no other method, in no other encoding', async () => {
    const proxy = await stage.proxy(['http://127.0.0.1:9']);
    expect(await failureOf(await post(`${proxy.url}/v1/other`))).toMatchObject({ status: 404, code: 'unknown_url' });
    const wrong = await fetch(`${proxy.url}/v1/completions`);
    expect(wrong.headers.get('allow')).toBe('POST');
    expect(await failureOf(wrong)).toMatchObject({ status: 405, code: 'method_not_allowed' });
    const packed = await post(`${proxy.url}/v1/completions`, 'x', { headers: { 'content-encoding': 'gzip' } });
    expect(await failureOf(packed)).toMatchObject({ status: 415, code: 'unsupported_encoding' });
  });
});
