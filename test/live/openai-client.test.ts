/** OpenAI's own client before the proxy: replies, streams, errors, its retries, and leaving early. */
import OpenAI, { APIError, BadRequestError, NotFoundError, RateLimitError } from 'openai';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Stage, until } from './stage.ts';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

const ASK = { model: 'test-model', messages: [{ role: 'user' as const, content: 'hello' }], max_tokens: 6 };

function client(url: string, maxRetries = 0): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', maxRetries });
}

describe("OpenAI's client", () => {
  it('gets a reply, a stream, the models', async () => {
    const engine = await stage.engine();
    const openai = client((await stage.proxy([engine.url])).url);
    const reply = await openai.chat.completions.create(ASK);
    expect(reply.usage?.completion_tokens).toBe(6);
    const stream = await openai.chat.completions.create({
      ...ASK,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let used = 0;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      used = chunk.usage?.total_tokens ?? used;
    }
    expect(text).toBe(reply.choices[0]?.message.content);
    expect(used).toBe(reply.usage?.total_tokens);
    expect((await openai.models.list()).data.map(({ id }) => id)).toEqual(['test-model']);
    const plain = await openai.completions.create({ model: 'test-model', prompt: 'hello', max_tokens: 2 });
    expect(plain.choices[0]?.finish_reason).toBe('length');
  });

  it('throws its typed errors', async () => {
    const refusing = await stage.worker((_, response) => {
      response
        .writeHead(400, { 'content-type': 'application/json' })
        .end('{"error":{"message":"no","param":"messages"}}');
    });
    const limiting = await stage.worker((_, response) => response.writeHead(429).end());
    const cases = [
      [await stage.proxy([refusing]), BadRequestError],
      [await stage.proxy([limiting]), RateLimitError],
      [await stage.proxy([refusing], { models: ['other'] }), NotFoundError],
      [await stage.proxy(['http://127.0.0.1:9']), APIError],
    ] as const;
    for (const [proxy, error] of cases) {
      await expect(client(proxy.url).chat.completions.create(ASK)).rejects.toBeInstanceOf(error);
    }
  });

  it('sees a stream that breaks as an error, after what had come', async () => {
    const engine = await stage.engine();
    engine.faults.arm({ kind: 'cut', ratio: 1, after: 3, for: Infinity });
    const openai = client((await stage.proxy([engine.url])).url);
    const stream = await openai.chat.completions.create({ ...ASK, stream: true });
    let chunks = 0;
    const read = async (): Promise<void> => {
      for await (const chunk of stream) chunks += chunk.choices.length;
    };
    await expect(read()).rejects.toMatchObject({ code: 'upstream_failed', type: 'upstream_error' });
    expect(chunks).toBe(1 + 3);
  });

  it('repeats what the gateway says may be repeated, and nothing else', async () => {
    const engine = await stage.engine();
    const proxy = await stage.proxy([engine.url], {
      models: ['test-model'],
      policies: { queue: { name: 'fifo', size: 0 }, capacity: { name: 'fixed', max: 1 } },
    });
    engine.faults.arm({ kind: 'hang', scope: 'engine', for: Infinity });
    const first = client(proxy.url).chat.completions.create(ASK);
    await until(() => proxy.held()['leases'] === 1);
    const second = client(proxy.url, 5).chat.completions.create(ASK);
    await until(() => proxy.host.machine.gateway.counts.finished > 0);
    engine.faults.clear();
    expect((await first).usage?.completion_tokens).toBe(6);
    expect((await second).usage?.completion_tokens).toBe(6);
    const before = stage.logged.length;
    await expect(client(proxy.url, 5).chat.completions.create({ ...ASK, model: 'x' })).rejects.toBeInstanceOf(
      NotFoundError,
    );
    await until(() => proxy.held()['exchanges'] === 0);
    expect(stage.logged.slice(before).filter(({ msg }) => msg === 'request')).toHaveLength(1);
  });

  it('leaves early, by its own will and by its own timeout', async () => {
    const engine = await stage.engine();
    engine.faults.arm({ kind: 'hang', scope: 'engine', for: Infinity });
    const proxy = await stage.proxy([engine.url]);
    const leaving = new AbortController();
    const asked = client(proxy.url).chat.completions.create(ASK, { signal: leaving.signal });
    await until(() => proxy.held()['leases'] === 1);
    leaving.abort();
    await expect(asked).rejects.toThrow();
    await until(() => proxy.held()['leases'] === 0);
    await expect(client(proxy.url).chat.completions.create(ASK, { timeout: 100 })).rejects.toThrow(/timed out/i);
    await until(() => proxy.held()['leases'] === 0 && proxy.held()['exchanges'] === 0);
  });
});
