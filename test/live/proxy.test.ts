/** The way of a request through the proxy: bytes, headers, retries. */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chat, post, raw, rawSocket } from './clients.ts';
import { Stage, until } from './stage.ts';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

describe('a request', () => {
  it('comes back as the engine answers it', async () => {
    const engine = await stage.engine();
    const proxy = await stage.proxy([engine.url]);
    const direct = (await (await chat(engine.url)).json()) as Record<string, unknown>;
    const reply = await chat(proxy.url);
    expect(reply.status).toBe(200);
    const through = (await reply.json()) as Record<string, unknown>;
    expect(through['choices']).toEqual(direct['choices']);
  });

  it('passes bytes unchanged in both directions', async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) & 0xff));
    let received = '';
    const url = await stage.worker((request, response) => {
      const hash = createHash('sha256');
      request.on('data', (chunk: Buffer) => hash.update(chunk));
      request.on('end', () => {
        received = hash.digest('hex');
        response.writeHead(200, { 'content-type': 'application/octet-stream' });
        response.end(bytes);
      });
    });
    const proxy = await stage.proxy([url]);
    const sent = '{"model":"m",  "input":"\\u00e4 \u00e4","x":1.0}';
    const reply = await post(`${proxy.url}/v1/embeddings`, sent);
    expect(received).toBe(createHash('sha256').update(sent).digest('hex'));
    expect(Buffer.from(await reply.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it.each(['/v1/chat/completions', '/v1/completions', '/v1/embeddings', '/v1/responses'])(
    'reaches %s of a worker with its query',
    async (path) => {
      let target = '';
      const url = await stage.worker((request, response) => {
        target = `${request.method} ${request.url}`;
        response.end('{}');
      });
      const proxy = await stage.proxy([url]);
      expect((await post(`${proxy.url}${path}?api-version=1`, '{}')).status).toBe(200);
      expect(target).toBe(`POST ${path}?api-version=1`);
    },
  );

  it('asks a worker for its models, unless the configuration names them', async () => {
    const engine = await stage.engine();
    const asking = await stage.proxy([engine.url]);
    const knowing = await stage.proxy([engine.url], { models: ['a', 'b'] });
    const ids = async (url: string): Promise<string[]> => {
      const { data } = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string }[] };
      return data.map(({ id }) => id);
    };
    expect(await ids(asking.url)).toEqual(['test-model']);
    expect(await ids(knowing.url)).toEqual(['a', 'b']);
  });
});

describe('headers', () => {
  async function echo(): Promise<{ url: string; seen: () => IncomingHttpHeaders }> {
    let seen: IncomingHttpHeaders = {};
    const url = await stage.worker((request, response) => {
      seen = request.headers;
      response.writeHead(200, [
        ...['content-type', 'application/json', 'x-worker', 'w', 'set-cookie', 'a=1', 'set-cookie', 'b=2'],
        ...['connection', 'x-private', 'x-private', 'p', 'x-request-id', 'of the worker'],
      ]);
      response.end('{}');
    });
    return { url, seen: () => seen };
  }

  it('pass but for those of one connection and the credentials of the client', async () => {
    const worker = await echo();
    const proxy = await stage.proxy([worker.url]);
    const lines = [
      'POST /v1/completions HTTP/1.1\r\nHost: gateway\r\nContent-Length: 2\r\nAuthorization: Bearer client',
      'Cookie: c=1\r\nX-Api-Key: k\r\nTE: trailers\r\nKeep-Alive: 5\r\nProxy-Authorization: x\r\nX-Hop: h',
      'traceparent: 00-1-2-01\r\nX-Own: own\r\nConnection: close, X-Hop',
    ];
    const reply = await raw(proxy.url, `${lines.join('\r\n')}\r\n\r\n{}`);
    const seen = worker.seen();
    for (const name of ['authorization', 'cookie', 'x-api-key', 'te', 'keep-alive', 'proxy-authorization', 'x-hop']) {
      expect(seen[name]).toBeUndefined();
    }
    expect(seen['traceparent']).toBe('00-1-2-01');
    expect(seen['x-own']).toBe('own');
    expect(seen.host).toBe(new URL(worker.url).host);
    expect(reply).toMatch(/^set-cookie: a=1\r\nset-cookie: b=2\r\n/m);
    expect(reply).toMatch(/^x-worker: w/m);
    expect(reply).not.toMatch(/x-private|of the worker/);
  });

  it('carry one request id to the worker and back, a new one where the given one is no id', async () => {
    const worker = await echo();
    const proxy = await stage.proxy([worker.url]);
    const good = await chat(proxy.url, {}, { headers: { 'x-request-id': 'abc-1' } });
    expect(good.headers.get('x-request-id')).toBe('abc-1');
    expect(worker.seen()['x-request-id']).toBe('abc-1');
    const bad = await chat(proxy.url, {}, { headers: { 'x-request-id': 'no "id"' } });
    expect(bad.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(worker.seen()['x-request-id']).toBe(bad.headers.get('x-request-id'));
  });
});

describe('a retry', () => {
  it('follows an attempt that ended before the first byte, on another worker', async () => {
    const engine = await stage.engine();
    let tries = 0;
    const dying = await stage.worker((request) => {
      tries++;
      request.socket.destroy();
    });
    const proxy = await stage.proxy([dying, engine.url], { policies: { router: { name: 'round-robin' } } });
    const replies = await Promise.all(Array.from({ length: 8 }, () => chat(proxy.url)));
    expect(replies.map(({ status }) => status)).toEqual(Array<number>(8).fill(200));
    expect(tries).toBeGreaterThan(0);
  });

  it('follows a head without a byte of its body', async () => {
    const engine = await stage.engine();
    const headOnly = await stage.worker((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"half":');
      setImmediate(() => response.destroy());
    });
    const proxy = await stage.proxy([headOnly, engine.url], { policies: { router: { name: 'round-robin' } } });
    const reply = await chat(proxy.url, { stream: true });
    const text = await reply.text();
    expect(text).not.toContain('half');
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  });

  it('sends the same body again', async () => {
    const bodies: string[] = [];
    const url = await stage.worker((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        bodies.push(body);
        response.writeHead(bodies.length < 3 ? 503 : 200).end('{}');
      });
    });
    const proxy = await stage.proxy([url]);
    expect((await post(`${proxy.url}/v1/completions`, '{"prompt":"x"}')).status).toBe(200);
    expect(bodies).toEqual(Array<string>(3).fill('{"prompt":"x"}'));
  });

  it('follows refused attempts only where a request must not run twice', async () => {
    let tries = 0;
    const url = await stage.worker((_, response) => response.writeHead(++tries === 1 ? 503 : 500).end());
    const proxy = await stage.proxy([url], { retry_sent: false });
    expect((await chat(proxy.url)).status).toBe(502);
    expect(tries).toBe(2);
  });
});

describe('a client that leaves', () => {
  it('takes its attempt with it', async () => {
    const engine = await stage.engine(
      {},
      { timing: { kind: 'affine', baseUs: 50_000, perTokenUs: 1, perKvTokenUs: 0 } },
    );
    const proxy = await stage.proxy([engine.url]);
    const leaving = new AbortController();
    const reply = await chat(proxy.url, { stream: true, max_tokens: 1000 }, { signal: leaving.signal });
    expect(engine.held).toBe(1);
    leaving.abort();
    await expect(reply.text()).rejects.toThrow();
    await until(() => engine.held === 0 && proxy.held()['leases'] === 0);
    const text = await proxy.metrics.registry.metrics();
    expect(text).toContain('spillway_clients_left_total{route="chat"} 1');
    expect(text).toContain('reason="cancelled",cause="client"} 1');
  });

  it('takes those with it that it had sent ahead of their turn', async () => {
    const engine = await stage.engine();
    engine.faults.arm({ kind: 'hang', scope: 'engine', for: Infinity });
    const proxy = await stage.proxy([engine.url]);
    const socket = rawSocket(proxy.url);
    const one = 'POST /v1/completions HTTP/1.1\r\nHost: g\r\nContent-Length: 2\r\n\r\n{}';
    socket.write(one.repeat(20));
    await until(() => proxy.held()['leases'] === 20);
    socket.destroy();
    await until(() => proxy.held()['leases'] === 0 && proxy.held()['exchanges'] === 0);
  });

  it('frees its place in the queue', async () => {
    const engine = await stage.engine();
    engine.faults.arm({ kind: 'hang', scope: 'engine', for: Infinity });
    const policies = { capacity: { name: 'fixed', max: 1 } };
    const proxy = await stage.proxy([engine.url], { policies });
    const leaving = new AbortController();
    const first = chat(proxy.url, {}, { signal: leaving.signal });
    const second = chat(proxy.url, {}, { signal: leaving.signal });
    await until(() => proxy.held()['waiting'] === 1);
    leaving.abort();
    await expect(first).rejects.toThrow();
    await expect(second).rejects.toThrow();
    await until(() => proxy.held()['waiting'] === 0 && proxy.held()['leases'] === 0);
  });
});
