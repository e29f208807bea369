/** Partition, drain, restart and a wrong clock of a simulated engine, each over a real socket. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PrometheusText } from '../../src/live/fleet/prometheus-text.ts';
import { chat, failureOf, open, post } from './clients.ts';
import { Stage, until } from './stage.ts';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

/** Tokens that an engine of these tests is busy with for some 1.5 s, however busy the machine. */
const LONG = 1500;

async function arm(url: string, fault: object): Promise<void> {
  expect((await post(`${url}/faults`, fault)).status).toBe(200);
}

function clear(url: string): Promise<Response> {
  return fetch(`${url}/faults`, { method: 'DELETE' });
}

/** Whether a question is answered while it is watched, which is long for an engine that answers at once. */
async function isAnswered(url: string): Promise<boolean> {
  const signal = AbortSignal.timeout(200);
  return fetch(url, { signal }).then(
    () => true,
    () => false,
  );
}

/** Resolves once somebody is there again. */
async function listens(url: string): Promise<void> {
  while (!(await isAnswered(`${url}/health`)));
}

/** A stream of so many tokens, with what has come of it so far. */
async function streamOf(url: string, tokens: number): Promise<{ text: string; isOver: boolean; isCut: boolean }> {
  const reply = await open(`${url}/v1/completions`, { prompt: 'x', max_tokens: tokens, stream: true });
  const seen = { text: '', isOver: false, isCut: false };
  reply.on('data', (chunk: Buffer) => (seen.text += chunk.toString()));
  reply.once('end', () => (seen.isOver = true));
  reply.once('error', () => (seen.isCut = true));
  await until(() => seen.text !== '');
  return seen;
}

function tokensIn(text: string): number {
  return text.match(/"text":"[^"]/g)?.length ?? 0;
}

describe('a partition', () => {
  it('of requests keeps them and their replies, while the engine computes on and says so', async () => {
    const engine = await stage.engine();
    const stream = await streamOf(engine.url, LONG);
    await arm(engine.url, { kind: 'partition', loses: 'requests' });
    const generated = async (): Promise<number> => {
      const metrics = new PrometheusText(await (await fetch(`${engine.url}/metrics`)).text());
      return metrics.gauge('vllm:generation_tokens_total').sum;
    };
    const before = [stream.text.length, await generated()] as const;
    const late = chat(engine.url);
    await until(() => engine.held >= 2);
    for (let now = before[1]; now < LONG; now = await generated());
    expect(stream.text).toHaveLength(before[0]);
    expect((await fetch(`${engine.url}/health`)).status).toBe(200);
    await clear(engine.url);
    expect((await late).status).toBe(200);
    await until(() => stream.isOver);
    expect(tokensIn(stream.text)).toBe(LONG);
    expect(stream.text).toContain('[DONE]');
  });

  it('that ends lets through what was generated, though the next token is long in coming', async () => {
    const engine = await stage.engine();
    const stream = await streamOf(engine.url, 5000);
    await arm(engine.url, { kind: 'partition', loses: 'requests' });
    const before = tokensIn(stream.text);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await arm(engine.url, { kind: 'slow', factor: 1e6 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(tokensIn(stream.text)).toBeLessThanOrEqual(before + 1);
    await clear(engine.url);
    await until(() => tokensIn(stream.text) > before + 5);
  });

  it('is not what a hung engine is: its process still answers what needs no engine', async () => {
    const engine = await stage.engine();
    await arm(engine.url, { kind: 'hang', scope: 'engine' });
    const answered = ['/v1/models', '/metrics', '/health'].map(async (path) => (await fetch(engine.url + path)).status);
    expect(await Promise.all(answered)).toEqual([200, 200, 200]);
    const late = chat(engine.url);
    await until(() => engine.held === 1);
    await clear(engine.url);
    expect((await late).status).toBe(200);
  });

  it('of reports leaves requests and probes alone', async () => {
    const engine = await stage.engine();
    await arm(engine.url, { kind: 'partition', loses: ['reports'] });
    const reports = ['/metrics', '/server_info', '/v1/loads'].map((path) => `${engine.url}${path}`);
    expect(await Promise.all(reports.map(isAnswered))).toEqual([false, false, false]);
    expect((await chat(engine.url)).status).toBe(200);
    expect((await fetch(`${engine.url}/health`)).status).toBe(200);
    // Whoever gave up is forgotten.
    await until(() => engine.held === 0);
    const waiting = fetch(`${engine.url}/metrics`);
    await until(() => engine.held === 1);
    await clear(engine.url);
    expect((await waiting).status).toBe(200);
    expect(engine.held).toBe(0);
  });

  it('of probes, or of all, is what a gateway sees of it', async () => {
    const [cutOff, sound] = [await stage.engine(), await stage.engine()];
    const health = { name: 'probes', interval: '20ms', timeout: '20ms', successThreshold: 1, failureThreshold: 1 };
    const policies = { router: { name: 'round-robin' }, health };
    const proxy = await stage.proxy([cutOff.url, sound.url], { policies });
    await until(() => proxy.host.machine.gateway.workers.every(({ status }) => status === 'ready'));
    await arm(cutOff.url, { kind: 'partition', loses: 'probes' });
    await until(() => proxy.host.machine.gateway.workers[0]?.status !== 'ready');
    expect((await chat(cutOff.url)).status).toBe(200);
    for (let i = 0; i < 4; i++) expect((await chat(proxy.url)).status).toBe(200);
    await arm(cutOff.url, { kind: 'partition' });
    expect(await isAnswered(`${cutOff.url}/v1/models`)).toBe(false);
    await clear(cutOff.url);
    await until(() => proxy.host.machine.gateway.workers[0]?.status === 'ready');
  });
});

describe('a drain', () => {
  it('refuses what is new, ends what is old, says so, is gone, and comes again', async () => {
    const engine = await stage.engine();
    const stream = await streamOf(engine.url, LONG);
    await arm(engine.url, { kind: 'drain', for: '60s', bound: '60s' });
    const refused = await failureOf(await chat(engine.url));
    expect([refused.status, (await fetch(`${engine.url}/health`)).status]).toEqual([503, 503]);
    await until(() => stream.isOver);
    expect([tokensIn(stream.text), stream.isCut]).toEqual([LONG, false]);
    await until(() => !engine.faults.isDraining);
    await expect(chat(engine.url)).rejects.toThrow();
    engine.faults.clear();
    await until(() => engine.faults.list().length === 0);
    await listens(engine.url);
    expect((await chat(engine.url)).status).toBe(200);
  });

  it('loses what it still runs after its bound', async () => {
    const engine = await stage.engine();
    const stream = await streamOf(engine.url, 5000);
    await arm(engine.url, { kind: 'drain', for: '300ms', bound: '100ms', load: '100ms' });
    await until(() => stream.isCut);
    expect(tokensIn(stream.text)).toBeLessThan(5000);
    await until(() => engine.faults.list().length === 0);
    await listens(engine.url);
    expect((await chat(engine.url)).status).toBe(200);
  });

  it('is taken back while something runs, and without an end ends the engine', async () => {
    const engine = await stage.engine();
    const stream = await streamOf(engine.url, LONG);
    await arm(engine.url, { kind: 'drain' });
    expect((await chat(engine.url)).status).toBe(503);
    await clear(engine.url);
    expect((await chat(engine.url)).status).toBe(200);
    await until(() => stream.isOver);
    await arm(engine.url, { kind: 'drain' });
    await engine.gone;
    await expect(chat(engine.url)).rejects.toThrow();
  });

  it('of one of two engines costs a gateway no request', async () => {
    const [leaving, staying] = [await stage.engine(), await stage.engine()];
    const proxy = await stage.proxy([leaving.url, staying.url], { policies: { router: { name: 'round-robin' } } });
    const replies = Array.from({ length: 10 }, () => chat(proxy.url, { max_tokens: 50 }));
    await until(() => leaving.held > 0);
    await arm(leaving.url, { kind: 'drain', for: '1s', bound: '1s' });
    replies.push(...Array.from({ length: 10 }, () => chat(proxy.url)));
    expect((await Promise.all(replies)).map(({ status }) => status)).toEqual(replies.map(() => 200));
  });
});

describe('a restart', () => {
  it('refuses connections while its model loads, and comes back cold', async () => {
    const engine = await stage.engine();
    const prompt = 'a long prefix that is repeated '.repeat(20);
    const cached = async (): Promise<number> => {
      const reply = (await (await post(`${engine.url}/v1/completions`, { prompt, max_tokens: 1 })).json()) as {
        usage: { prompt_tokens_details: { cached_tokens: number } };
      };
      return reply.usage.prompt_tokens_details.cached_tokens;
    };
    await cached();
    expect(await cached()).toBeGreaterThan(100);
    const stream = await streamOf(engine.url, 5000);
    await arm(engine.url, { kind: 'hang' });
    const from = performance.now();
    await arm(engine.url, { kind: 'restart', load: '500ms' });
    await until(() => stream.isCut);
    await expect(fetch(`${engine.url}/health`)).rejects.toThrow();
    await until(() => engine.faults.list().length === 0);
    await listens(engine.url);
    expect(performance.now() - from).toBeGreaterThanOrEqual(500);
    // Another process: it neither hangs nor remembers.
    expect(await cached()).toBe(0);
  });

  it('within a crash is over with the later of the two', async () => {
    const engine = await stage.engine();
    engine.faults.arm({ kind: 'crash', for: 600_000 });
    engine.faults.arm({ kind: 'restart', load: 50_000 });
    await until(() => engine.faults.list().length === 1);
    await expect(chat(engine.url)).rejects.toThrow();
    await until(() => engine.faults.list().length === 0);
    await listens(engine.url);
    expect((await chat(engine.url)).status).toBe(200);
  });
});

describe('a wrong clock', () => {
  it('stamps load reports, replies and answers', async () => {
    const engine = await stage.engine();
    const stamps = async (): Promise<number[]> => {
      const loads = await fetch(`${engine.url}/v1/loads`);
      const document = (await loads.json()) as { timestamp: string; loads: [{ timestamp: number }] };
      const reply = (await (await chat(engine.url)).json()) as { created: number };
      const date = Date.parse(loads.headers.get('date') ?? '') / 1000;
      const seconds = [Date.parse(document.timestamp) / 1000, document.loads[0].timestamp, reply.created, date];
      return seconds.map((each) => Math.round((each - Date.now() / 1000) / 60) + 0);
    };
    expect(await stamps()).toEqual([0, 0, 0, 0]);
    await arm(engine.url, { kind: 'skew', ahead: '1h' });
    expect(await stamps()).toEqual([60, 60, 60, 60]);
    await arm(engine.url, { kind: 'skew', behind: '30m' });
    expect(await stamps()).toEqual([-30, -30, -30, -30]);
    expect((await post(`${engine.url}/faults`, { kind: 'skew', ahead: '1s', behind: '1s' })).status).toBe(400);
  });

  it('put right again makes a gateway that goes by stamps deaf to what is older than it heard', async () => {
    const engine = await stage.engine();
    await arm(engine.url, { kind: 'skew', ahead: '1h' });
    const load = { source: 'sglang', every: '10ms', stamps: 'worker' };
    const proxy = await stage.proxy([engine.url], { load });
    const reportedAt = (): number => proxy.host.machine.gateway.workers[0]?.reportedAt ?? -Infinity;
    const polls = async (): Promise<number> => {
      return new PrometheusText(await proxy.metrics.registry.metrics()).gauge('spillway_worker_polls_total').sum;
    };
    await until(() => reportedAt() > proxy.host.now() + 3590e6);
    await clear(engine.url);
    const [from, last] = [await polls(), reportedAt()];
    while ((await polls()) < from + 5) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(reportedAt()).toBeLessThanOrEqual(last + 1e6);
    expect(reportedAt()).toBeGreaterThan(proxy.host.now() + 3590e6);
  });
});
