/** The simulated engine on a socket: its API, its pace, its faults, what it says of itself. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PrometheusText } from '../../src/live/fleet/prometheus-text.ts';
import { chat, failureOf, open, post } from './clients.ts';
import { Stage, until } from './stage.ts';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

function arm(url: string, fault: object, init: RequestInit = {}): Promise<Response> {
  return post(`${url}/faults`, fault, init);
}

describe('an engine', () => {
  it('replies alike to equal prompts, whole and streamed', async () => {
    const engine = await stage.engine();
    const whole = (await (await chat(engine.url)).json()) as {
      choices: [{ message: { content: string } }];
      usage: object;
    };
    expect(whole.usage).toMatchObject({ completion_tokens: 5, prompt_tokens: 3, total_tokens: 8 });
    const text = await (await chat(engine.url, { stream: true })).text();
    const streamed = [...text.matchAll(/"content":"([^"]*)"/g)].map((match) => match[1]).join('');
    expect(streamed).toBe(whole.choices[0].message.content);
    const other = await (await chat(engine.url, { messages: [{ role: 'user', content: 'other' }] })).text();
    expect(other).not.toContain(streamed);
  });

  it('stops by itself where no number of tokens is asked for', async () => {
    const engine = await stage.engine({ outputTokens: 4 });
    const reply = (await (await post(`${engine.url}/v1/completions`, { prompt: 'x' })).json()) as {
      choices: [{ finish_reason: string }];
      usage: { completion_tokens: number };
    };
    expect([reply.choices[0].finish_reason, reply.usage.completion_tokens]).toEqual(['stop', 4]);
  });

  it('keeps the pace of its model, times its speed', async () => {
    const timing = { kind: 'affine', baseUs: 20_000, perTokenUs: 0, perKvTokenUs: 0 } as const;
    const plain = await stage.engine({}, { timing });
    const fast = await stage.engine({ speed: 20 }, { timing });
    const took = async (url: string): Promise<number> => {
      const from = performance.now();
      await (await chat(url, { max_tokens: 25 })).text();
      return performance.now() - from;
    };
    expect(await took(plain.url)).toBeGreaterThanOrEqual(500);
    expect(await took(fast.url)).toBeLessThan(500);
  });

  it('finds repeated prefixes in its cache', async () => {
    const engine = await stage.engine();
    const prompt = 'a long prefix that is repeated '.repeat(20);
    const cached = async (): Promise<number> => {
      const reply = (await (await post(`${engine.url}/v1/completions`, { prompt, max_tokens: 1 })).json()) as {
        usage: { prompt_tokens_details: { cached_tokens: number } };
      };
      return reply.usage.prompt_tokens_details.cached_tokens;
    };
    expect(await cached()).toBe(0);
    expect(await cached()).toBeGreaterThan(100);
  });

  it('says what it runs in the words of vLLM and of SGLang', async () => {
    const engine = await stage.engine({}, { maxRunning: 1, blocks: 100 });
    const running = await open(`${engine.url}/v1/completions`, { prompt: 'x', max_tokens: 500, stream: true });
    const waiting = open(`${engine.url}/v1/completions`, { prompt: 'x', max_tokens: 500, stream: true });
    await until(() => engine.held === 2);
    const metrics = new PrometheusText(await (await fetch(`${engine.url}/metrics`)).text());
    expect(metrics.gauge('vllm:num_requests_running').sum).toBe(1);
    expect(metrics.gauge('vllm:num_requests_waiting').sum).toBe(1);
    expect(metrics.gauge('vllm:kv_cache_usage_perc').sum).toBeGreaterThan(0);
    expect(metrics.label('vllm:cache_config_info', 'num_gpu_blocks')).toBe(100);
    const info = { max_running_requests: 1, max_total_num_tokens: 1600, dp_size: 1 };
    expect(await (await fetch(`${engine.url}/server_info`)).json()).toMatchObject(info);
    const loads = { loads: [{ dp_rank: 0, num_running_reqs: 1, num_waiting_reqs: 1, max_total_num_tokens: 1600 }] };
    expect(await (await fetch(`${engine.url}/v1/loads`)).json()).toMatchObject(loads);
    running.destroy();
    running.on('error', () => undefined);
    (await waiting).on('error', () => undefined).destroy();
    await until(() => engine.held === 0);
  });

  it('refuses what it cannot hold, and what is no request', async () => {
    const engine = await stage.engine({}, { blocks: 4, maxRunning: 1, maxWaiting: 1 });
    expect((await post(`${engine.url}/v1/completions`, { prompt: 'x'.repeat(1000) })).status).toBe(400);
    expect((await post(`${engine.url}/v1/completions`, '{')).status).toBe(400);
    expect((await post(`${engine.url}/other`, {})).status).toBe(404);
  });
});

describe('a fault', () => {
  it('fails requests with its status, until it is cleared', async () => {
    const engine = await stage.engine();
    const armed = await arm(engine.url, [{ kind: 'errors', status: 500 }]);
    expect(await armed.json()).toEqual({
      faults: [{ kind: 'errors', ratio: 1, status: 500, retryAfter: 'none', for: 'none' }],
    });
    expect((await chat(engine.url)).status).toBe(500);
    await arm(engine.url, { kind: 'rate-limit', retryAfter: '3s' });
    await fetch(`${engine.url}/faults`, { method: 'DELETE' });
    await arm(engine.url, { kind: 'rate-limit', retryAfter: '3s' });
    const limited = await chat(engine.url);
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '3']);
    await fetch(`${engine.url}/faults`, { method: 'DELETE' });
    expect((await chat(engine.url)).status).toBe(200);
  });

  it('ends by itself where it has an end', async () => {
    const engine = await stage.engine();
    await arm(engine.url, { kind: 'hang', for: '300ms' });
    const from = performance.now();
    expect((await chat(engine.url)).status).toBe(200);
    expect((await fetch(`${engine.url}/health`)).status).toBe(200);
    expect(performance.now() - from).toBeGreaterThan(200);
    await arm(engine.url, { kind: 'crash', for: '200ms' });
    await expect(chat(engine.url)).rejects.toThrow();
    await until(() => engine.faults.list().length === 0);
    await expect(chat(engine.url).then(({ status }) => status)).resolves.toBe(200);
  });

  it('cuts a reply in its midst, and slows the rest', async () => {
    const engine = await stage.engine();
    await arm(engine.url, [
      { kind: 'cut', after: 2 },
      { kind: 'slow', factor: 50 },
      { kind: 'late', by: '50ms' },
    ]);
    const from = performance.now();
    const reply = await open(`${engine.url}/v1/completions`, { prompt: 'x', max_tokens: 9, stream: true });
    let text = '';
    reply.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await new Promise((resolve) => reply.once('error', resolve));
    expect(text.match(/"text"/g)).toHaveLength(2);
    expect(performance.now() - from).toBeGreaterThan(100);
  });

  it('is refused when it makes no sense, or comes from elsewhere without the key', async () => {
    const engine = await stage.engine({ key: 'k' });
    const messageOf = async (fault: object): Promise<string> => {
      const { error } = (await (await arm(engine.url, fault)).json()) as { error: { message: string } };
      return error.message;
    };
    expect((await arm(engine.url, { kind: 'other' })).status).toBe(400);
    expect(await messageOf({ kind: 'other' })).toContain('kind is one of crash, restart, hang');
    expect(await messageOf({ kind: 'restart' })).toContain('load: ');
    expect(await messageOf({ kind: 'drain', for: '1s', bound: '2s' })).toBe('bound: at most for');
    expect((await arm(engine.url, { kind: 'slow', factor: 2, worker: 1 })).status).toBe(400);
    const page = await arm(engine.url, { kind: 'slow', factor: 2 }, { headers: { origin: 'http://evil' } });
    expect(page.status).toBe(403);
    expect((await arm(engine.url, {}, { headers: { authorization: 'Bearer x' } })).status).toBe(403);
    expect((await failureOf(await arm(engine.url, { kind: 'cut', ratio: 2 }))).status).toBe(400);
  });

  it('without an end takes the engine down for good', async () => {
    const engine = await stage.engine();
    expect((await arm(engine.url, { kind: 'crash' })).status).toBe(200);
    await engine.gone;
    await expect(chat(engine.url)).rejects.toThrow();
  });
});
