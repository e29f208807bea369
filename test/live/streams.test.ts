/** Streams through the proxy: whole events, slow readers, breaks, and what a client then sees. */
import type { ServerResponse } from 'node:http';
import { createParser } from 'eventsource-parser';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chat, open } from './clients.ts';
import { Stage, until } from './stage.ts';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

const SSE = { 'content-type': 'text/event-stream' };

/** A worker whose replies the test writes. */
async function scripted(write: (response: ServerResponse) => void, head: object = SSE): Promise<string> {
  return stage.worker((request, response) => {
    request.resume();
    request.on('end', () => {
      response.writeHead(200, { ...head });
      write(response);
    });
  });
}

function events(text: string): string[] {
  const data: string[] = [];
  const parser = createParser({ onEvent: (event) => data.push(event.data) });
  parser.feed(text);
  return data;
}

describe('a stream', () => {
  it('comes token by token, while it is generated', async () => {
    const timing = { kind: 'affine', baseUs: 20_000, perTokenUs: 1, perKvTokenUs: 0 } as const;
    const engine = await stage.engine({}, { timing });
    const proxy = await stage.proxy([engine.url]);
    const reply = await chat(proxy.url, { stream: true, max_tokens: 20 });
    const reader = (reply.body as ReadableStream<Uint8Array>).getReader();
    let reads = 0;
    while (!(await reader.read()).done) reads++;
    expect(reads).toBeGreaterThan(5);
  });

  it('passes unchanged however the worker cuts it into pieces', async () => {
    const text = 'data: {"a":"é"}\r\n\r\n: ping\n\ndata: b\ndata: c\n\nevent: x\rdata: d\r\rdata: [DONE]\n\n';
    const bytes = Buffer.from(text);
    const url = await scripted((response) => {
      let at = 0;
      const next = (): void => {
        if (at === bytes.length) response.end();
        else response.write(bytes.subarray(at, ++at), () => setImmediate(next));
      };
      next();
    });
    const proxy = await stage.proxy([url]);
    expect(await (await chat(proxy.url, { stream: true })).text()).toBe(text);
  });

  it('is read from the worker no faster than the client reads it', async () => {
    const piece = `data: ${'x'.repeat(16_000)}\n\n`;
    let written = 0;
    let stuck = false;
    const url = await scripted((response) => {
      const next = (): void => {
        stuck = false;
        while (written < 4000 && !stuck) {
          written++;
          stuck = !response.write(piece);
        }
        if (written === 4000) response.end('data: [DONE]\n\n');
      };
      response.on('drain', next);
      next();
    });
    const proxy = await stage.proxy([url]);
    const reply = await open(`${proxy.url}/v1/chat/completions`, '{"stream":true}');
    reply.pause();
    let before = -1;
    while (written !== before) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(written).toBeLessThan(2000);
    let bytes = 0;
    reply.on('data', (chunk: Buffer) => (bytes += chunk.length));
    reply.resume();
    await new Promise((resolve) => reply.once('end', resolve));
    expect(bytes).toBe(4000 * piece.length + 14);
  });
});

describe('a stream that breaks', () => {
  it('ends with an error event after the last whole one, and never with the end marker', async () => {
    const url = await scripted((response) => {
      response.write('data: {"n":1}\n\ndata: {"n":2}\n\ndata: {"n":3', () => response.destroy());
    });
    const proxy = await stage.proxy([url]);
    const text = await (await chat(proxy.url, { stream: true })).text();
    const data = events(text);
    expect(data.slice(0, 2)).toEqual(['{"n":1}', '{"n":2}']);
    expect(JSON.parse(data[2] as string)).toMatchObject({ error: { code: 'upstream_failed', type: 'upstream_error' } });
    expect(data).toHaveLength(3);
    expect(text).not.toContain('[DONE]');
    await until(() => proxy.held()['exchanges'] === 0);
    expect(await proxy.metrics.registry.metrics()).toContain('spillway_upstream_aborted_total{route="chat"} 1');
  });

  it('is whole when only the connection breaks, after the end marker', async () => {
    const url = await scripted((response) => {
      response.write('data: {"n":1}\n\ndata: [DONE]\n\n', () => response.destroy());
    });
    const proxy = await stage.proxy([url]);
    expect(await (await chat(proxy.url, { stream: true })).text()).toBe('data: {"n":1}\n\ndata: [DONE]\n\n');
    expect(await proxy.metrics.registry.metrics()).toContain('reason="ok",cause="none"} 1');
  });

  it('is cut where an error event could not be read', async () => {
    const plain = await scripted((response) => void response.write('{"half":', () => response.destroy()), {});
    const packed = await scripted((response) => void response.write('packed', () => response.destroy()), {
      ...SSE,
      'content-encoding': 'gzip',
    });
    for (const url of [plain, packed]) {
      const proxy = await stage.proxy([url]);
      const reply = await open(`${proxy.url}/v1/chat/completions`, '{}');
      const ended = await new Promise((resolve) => {
        reply.resume();
        reply.once('error', () => resolve('broken'));
        reply.once('end', () => resolve('whole'));
      });
      expect(ended).toBe('broken');
    }
  });

  it('ends with an error event at the deadline of the request', async () => {
    const url = await scripted((response) => void response.write('data: {"n":1}\n\n'));
    const proxy = await stage.proxy([url], { policies: { timeouts: { request: '200ms' } } });
    const data = events(await (await chat(proxy.url, { stream: true })).text());
    expect(JSON.parse(data[1] as string)).toMatchObject({ error: { code: 'deadline' } });
  });

  it('is no success when the worker promised more bytes than it sent', async () => {
    const head = { 'content-length': '500', connection: 'close' };
    const url = await scripted((response) => void response.end('{"short":1}'), head);
    const proxy = await stage.proxy([url]);
    const reply = await open(`${proxy.url}/v1/chat/completions`, '{}');
    const ended = await new Promise((resolve) => {
      reply.resume();
      reply.once('error', () => resolve('broken'));
      reply.once('end', () => resolve('whole'));
    });
    expect(ended).toBe('broken');
  });
});

describe('a client that stops reading', () => {
  it('is cut off after the write timeout, and its attempt with it', async () => {
    const piece = `data: ${'x'.repeat(60_000)}\n\n`;
    let isClosed = false;
    const url = await scripted((response) => {
      const next = (): void => {
        while (!response.destroyed && response.write(piece));
      };
      response.on('drain', next);
      response.on('close', () => (isClosed = true));
      next();
    });
    const proxy = await stage.proxy([url], { write_timeout: '300ms' });
    const reply = await open(`${proxy.url}/v1/chat/completions`, '{"stream":true}');
    reply.on('error', () => undefined);
    reply.pause();
    await until(() => isClosed && proxy.held()['exchanges'] === 0);
    expect(await proxy.metrics.registry.metrics()).toContain('spillway_clients_stalled_total{route="chat"} 1');
    reply.destroy();
  });
});
