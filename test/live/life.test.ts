/** A proxy's life: another configuration while it runs, workers that come and go, the end. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Proxy } from '../../src/live/proxy/proxy.ts';
import { chat, failureOf, raw } from './clients.ts';
import { settingsOf, Stage, until } from './stage.ts';

let stage: Stage;
let folder: string;
beforeEach(() => {
  stage = new Stage();
  folder = mkdtempSync(join(tmpdir(), 'spillway-'));
});
afterEach(async () => {
  await stage.close();
  rmSync(folder, { recursive: true, force: true });
});

const SLOW = { timing: { kind: 'affine', baseUs: 20_000, perTokenUs: 1, perKvTokenUs: 0 } } as const;

function statuses(proxy: Proxy): Record<string, string> {
  const { workers } = proxy.host.machine.gateway;
  return Object.fromEntries(workers.map(({ name, status }) => [name, status]));
}

describe('the end', () => {
  it('lets what runs finish, and takes nothing new', async () => {
    const engine = await stage.engine({}, SLOW);
    const proxy = await stage.proxy([engine.url]);
    const running = await chat(proxy.url, { stream: true, max_tokens: 20 });
    const drained = proxy.drain();
    expect((await fetch(`${proxy.url}/readyz`).catch(() => ({ status: 503 }))).status).toBe(503);
    expect((await running.text()).endsWith('data: [DONE]\n\n')).toBe(true);
    await drained;
    await expect(fetch(`${proxy.url}/livez`)).rejects.toThrow();
  });

  it('waits for balancers to notice, serving on meanwhile', async () => {
    const engine = await stage.engine();
    const proxy = await stage.proxy([engine.url], { drain: { delay: '300ms' } });
    const drained = proxy.drain();
    expect((await fetch(`${proxy.url}/readyz`)).status).toBe(503);
    expect((await chat(proxy.url)).status).toBe(200);
    await drained;
  });

  it('cuts what still runs at its bound, and says so', async () => {
    const engine = await stage.engine();
    engine.faults.arm({ kind: 'hang', scope: 'engine', for: Infinity });
    const streaming = await stage.engine({}, SLOW);
    const proxy = await stage.proxy([streaming.url, engine.url], {
      drain: { timeout: '200ms' },
      policies: { router: { name: 'round-robin' } },
    });
    const stream = await chat(proxy.url, { stream: true, max_tokens: 10_000 });
    const hanging = chat(proxy.url);
    await until(() => proxy.held()['leases'] === 2);
    const drained = proxy.drain();
    expect(await failureOf(await hanging)).toMatchObject({ status: 503, code: 'shutting_down' });
    const text = await stream.text();
    expect(text).toContain('"code":"shutting_down"');
    expect(text).not.toContain('[DONE]');
    await drained;
  });
});

describe('another configuration', () => {
  it('drops no stream: kept workers keep their number, removed ones finish, new ones serve', async () => {
    const [a, b, c] = [await stage.engine({}, SLOW), await stage.engine({}, SLOW), await stage.engine()];
    const policies = { router: { name: 'round-robin' } };
    const proxy = await stage.proxy([a.url, b.url], { policies });
    const streams = [1, 2].map(() => chat(proxy.url, { stream: true, max_tokens: 30 }));
    await until(() => proxy.held()['leases'] === 2);
    await proxy.reload(settingsOf({ workers: [b.url, c.url], policies }));
    expect(statuses(proxy)).toEqual({ [a.url]: 'draining', [b.url]: 'ready', [c.url]: 'ready' });
    const { workers } = proxy.host.machine.gateway;
    expect(workers.map(({ name }) => name)).toEqual([a.url, b.url, c.url]);
    for (const stream of streams) expect((await (await stream).text()).endsWith('data: [DONE]\n\n')).toBe(true);
    await until(() => statuses(proxy)[a.url] === 'failed');
    for (let i = 0; i < 4; i++) expect((await chat(proxy.url)).status).toBe(200);
    expect(workers[0]?.inFlight).toBe(0);
  });

  it('replaces only the policies that it changes, and each lease ends with those that saw it begin', async () => {
    const engine = await stage.engine({}, SLOW);
    const gates = [{ name: 'breaker', failureThreshold: 3 }];
    const proxy = await stage.proxy([engine.url], { policies: { gates, capacity: { name: 'aimd' } } });
    const { policies } = proxy.host.machine;
    const [breaker] = policies.gates.gates;
    const { capacity } = policies;
    const running = chat(proxy.url, { max_tokens: 10 });
    await until(() => proxy.held()['leases'] === 1);
    await proxy.reload(settingsOf({ workers: [engine.url], policies: { gates, capacity: { name: 'fixed', max: 7 } } }));
    expect(policies.gates.gates[0]).toBe(breaker);
    expect(policies.capacity).not.toBe(capacity);
    expect(policies.capacity.current()).toBe(7);
    expect((await running).status).toBe(200);
    expect((await chat(proxy.url)).status).toBe(200);
    proxy.host.machine.gateway.checkInvariants();
  });

  it('moves waiting requests to the new queue, oldest first, and sheds what does not fit', async () => {
    const engine = await stage.engine();
    engine.faults.arm({ kind: 'hang', scope: 'engine', for: Infinity });
    const capacity = { name: 'fixed', max: 1 };
    const proxy = await stage.proxy([engine.url], { policies: { capacity, queue: { name: 'fifo', size: 5 } } });
    const running = chat(proxy.url);
    await until(() => proxy.held()['leases'] === 1);
    const waiting: Promise<Response>[] = [];
    for (let i = 1; i <= 3; i++) {
      waiting.push(chat(proxy.url));
      await until(() => proxy.held()['waiting'] === i);
    }
    await proxy.reload(settingsOf({ workers: [engine.url], policies: { capacity, queue: { name: 'fifo', size: 2 } } }));
    expect(await failureOf(await (waiting[2] as Promise<Response>))).toMatchObject({ code: 'queue_full' });
    expect(proxy.held()).toMatchObject({ waiting: 2, admitted: 1 });
    engine.faults.clear();
    for (const reply of [running, waiting[0], waiting[1]]) expect((await reply)?.status).toBe(200);
  });

  it('takes effect on bounds and the log, and names what needs a restart', async () => {
    const engine = await stage.engine();
    const proxy = await stage.proxy([engine.url]);
    const next = { workers: [engine.url], limits: { body: '10B' }, log: { requests: false }, listen: '127.0.0.1:1' };
    expect(await proxy.reload(settingsOf(next))).toEqual(['listen']);
    expect((await chat(proxy.url)).status).toBe(413);
    await until(() => proxy.held()['exchanges'] === 0);
    expect(stage.logged.some(({ msg }) => msg === 'request')).toBe(false);
  });
});

describe('workers', () => {
  it('come and go with a watched file; one that cannot be read changes nothing', async () => {
    const [a, b] = [await stage.engine(), await stage.engine()];
    const path = join(folder, 'workers.yaml');
    const write = (text: string): void => {
      writeFileSync(`${path}.new`, text);
      renameSync(`${path}.new`, path);
    };
    write(`- ${a.url}`);
    const proxy = await stage.proxy([], { discovery: { file: { path, every: '100ms' } } });
    expect(statuses(proxy)).toEqual({ [a.url]: 'ready' });
    write(JSON.stringify({ workers: [b.url] }));
    await until(() => statuses(proxy)[b.url] === 'ready');
    expect(statuses(proxy)[a.url]).toBe('failed');
    write('- no url');
    await until(() => stage.logged.some(({ source }) => source === 'file'));
    expect(statuses(proxy)[b.url]).toBe('ready');
    write(`[${a.url}, ${b.url}]`);
    await until(() => statuses(proxy)[a.url] === 'ready');
    expect(proxy.host.machine.gateway.workers).toHaveLength(2);
  });

  it('are found by the addresses of a name', async () => {
    const engine = await stage.engine();
    const port = Number(new URL(engine.url).port);
    const proxy = await stage.proxy([], { discovery: { dns: { host: 'localhost', port } } });
    expect(statuses(proxy)[engine.url]).toBe('ready');
    expect((await chat(proxy.url)).status).toBe(200);
    const unknown = await stage.proxy([], { discovery: { dns: { host: 'unknown.invalid', port } } });
    expect(statuses(unknown)).toEqual({});
    expect(stage.logged.some(({ source }) => source === 'dns')).toBe(true);
  });

  it('are ready when their probes say so', async () => {
    const engine = await stage.engine();
    engine.faults.arm({ kind: 'hang', scope: 'process', for: Infinity });
    const health = { name: 'probes', interval: '20ms', timeout: '100ms', successThreshold: 2, failureThreshold: 2 };
    const proxy = await stage.proxy([engine.url], { policies: { health } });
    expect(statuses(proxy)).toEqual({ [engine.url]: 'pending' });
    engine.faults.clear();
    await until(() => statuses(proxy)[engine.url] === 'ready');
    engine.faults.arm({ kind: 'crash', for: 500_000 });
    await until(() => statuses(proxy)[engine.url] === 'not-ready');
    await until(() => statuses(proxy)[engine.url] === 'ready');
    expect((await chat(proxy.url)).status).toBe(200);
  });

  it.each(['vllm', 'sglang'])('report their load in the words of %s', async (source) => {
    const engine = await stage.engine({}, { maxRunning: 3 });
    const proxy = await stage.proxy([engine.url], { load: { source, every: '20ms', timeout: '5s' } });
    const [worker] = proxy.host.machine.gateway.workers;
    await until(() => worker?.reportedRunning === 0);
    const leaving = new AbortController();
    const running = chat(proxy.url, { max_tokens: 20_000 }, { signal: leaving.signal });
    await until(() => worker?.reportedRunning === 1 && worker.reportedKvUsageRatio > 0);
    leaving.abort();
    await expect(running).rejects.toThrow();
    if (source === 'sglang') expect(proxy.host.machine.policies.capacity.current()).toBe(3);
  });
});

describe('the admin listener', () => {
  it('shows metrics and status, and turns thresholds, for whoever has its key', async () => {
    const engine = await stage.engine();
    writeFileSync(join(folder, 'admin.key'), 'the-key');
    const admin = { listen: '127.0.0.1:0', key_file: 'admin.key' };
    const policies = { gates: [{ name: 'busy', kvUsedRatioMax: 0.8 }] };
    const proxy = await stage.proxy([engine.url], { admin, policies }, { folder });
    const ask = (path: string, init: RequestInit = {}): Promise<Response> => {
      return fetch(proxy.adminUrl + path, { ...init, headers: { authorization: 'Bearer the-key' } });
    };
    expect((await fetch(`${proxy.adminUrl}/status`)).status).toBe(401);
    expect((await fetch(`${proxy.adminUrl}/status`, { headers: { authorization: 'Bearer the-keys' } })).status).toBe(
      401,
    );
    await chat(proxy.url);
    const metrics = await (await ask('/metrics')).text();
    expect(metrics).toContain('spillway_requests_total{route="chat",model="other",reason="ok",cause="none"} 1');
    const helpless = metrics
      .match(/^# TYPE (\S+)/gm)
      ?.filter((line) => !metrics.includes(`# HELP ${line.slice(7).split(' ')[0]} `));
    expect(helpless).toEqual([]);
    expect(await (await ask('/status')).json()).toMatchObject({
      leases: 0,
      workers: [{ url: engine.url, status: 'ready' }],
    });
    const none = { decodeRatioMax: 'none', prefillTokensMax: 'none', prefillBatchesMax: 'none' };
    expect(await (await ask('/busy_threshold')).json()).toEqual({ kvUsedRatioMax: 0.8, ...none });
    const change = { method: 'POST', body: '{"kvUsedRatioMax":"none","decodeRatioMax":0.5}' };
    expect(await (await ask('/busy_threshold', change)).json()).toEqual({
      ...none,
      kvUsedRatioMax: 'none',
      decodeRatioMax: 0.5,
    });
    expect((await ask('/busy_threshold', { method: 'POST', body: '{"kvUsedRatioMax":2}' })).status).toBe(400);
    expect((await ask('/busy_threshold', { method: 'POST', body: '{"other":1}' })).status).toBe(400);
  });

  it('without a key answers no page of a browser and no borrowed name', async () => {
    const engine = await stage.engine();
    const proxy = await stage.proxy([engine.url], { admin: { listen: '127.0.0.1:0' } });
    expect((await fetch(`${proxy.adminUrl}/status`)).status).toBe(200);
    expect((await fetch(`${proxy.adminUrl}/status`, { headers: { origin: 'http://evil' } })).status).toBe(403);
    const borrowed = await raw(
      proxy.adminUrl,
      'GET /status HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
    );
    expect(borrowed).toMatch(/^HTTP\/1\.1 403 /);
    expect((await fetch(`${proxy.adminUrl}/busy_threshold`)).status).toBe(404);
  });
});
