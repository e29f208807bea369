/**
 * Real traffic through a proxy while its workers are killed, hang, reset, crawl and answer 45 % with 503, and its
 * clients misbehave. What must hold is asserted here: every client hears its last word, everything the core was given
 * is finished once, and in the end nothing is left.
 */
import { Agent } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'vitest';
import { type Rng, stream } from '../../../src/kernel/rng.ts';
import type { EngineFault } from '../../../src/live/engine/engine-faults.ts';
import type { LiveEngine } from '../../../src/live/engine/live-engine.ts';
import type { Proxy } from '../../../src/live/proxy/proxy.ts';
import { settingsOf, Stage, until } from '../stage.ts';
import { type Hit, VISITS } from './clients.ts';

export interface SoakInit {
  readonly seconds: number;
  readonly seed: string;
  readonly clients: number;
  readonly journal?: string;
}

export interface Soaked {
  /** By client and ending. */
  readonly endings: Readonly<Record<string, number>>;
  readonly arrived: number;
  readonly attempts: number;
  /** After a collection, a third of the way and at the end. */
  readonly heapMb: readonly [number, number];
}

const POLICIES = {
  capacity: { name: 'fixed', max: 40 },
  queue: { name: 'codel', size: 60 },
  gates: [
    { name: 'breaker', failureThreshold: 20, openFor: '200ms' },
    { name: 'busy', kvUsedRatioMax: 0.95 },
    { name: 'concurrency-limit', max: 16 },
  ],
  health: { name: 'probes', interval: '100ms', timeout: '300ms', successThreshold: 1, failureThreshold: 2 },
  retryBudget: { name: 'ratio' },
  timeouts: { request: '3s', attempt: '1s', worker: '1s' },
};
const CONFIG = {
  policies: POLICIES,
  load: { source: 'vllm', every: '200ms', timeout: '500ms' },
  write_timeout: '500ms',
  timeouts: { headers: '500ms', request: '1s' },
  log: { requests: false },
};
const FAULTS: readonly EngineFault[] = [
  { kind: 'hang', scope: 'process', for: 400_000 },
  { kind: 'hang', scope: 'engine', for: 1_500_000 },
  { kind: 'crash', for: 300_000 },
  { kind: 'cut', ratio: 0.5, after: 3, for: 300_000 },
  { kind: 'slow', factor: 20, for: 300_000 },
  { kind: 'rate-limit', ratio: 0.3, retryAfter: Infinity, for: 300_000 },
  { kind: 'late', by: 50_000, for: 300_000 },
];

/** Ends when every client is done and nothing runs. Rejects where something does not hold. */
export async function soak({ seconds, seed, clients, journal }: SoakInit): Promise<Soaked> {
  const stage = new Stage();
  const engines = [await stage.engine(), await stage.engine(), await stage.engine(), await stage.engine()];
  const urls = [...engines.map(({ url }) => url), await rudeWorker(stage, stream(seed, 'rude'))];
  const proxy = await stage.proxy(urls, CONFIG, journal === undefined ? {} : { journal });
  const agent = new Agent({ keepAlive: true });
  const until_ = performance.now() + seconds * 1000;
  const isOn = (): boolean => performance.now() < until_;
  const endings: Record<string, number> = {};
  const heaps: number[] = [];
  const third = setTimeout(() => heaps.push(heapMb()), (seconds * 1000) / 3);
  const troubles = trouble(engines, proxy, urls, stream(seed, 'faults'), isOn);
  const url = new URL(proxy.url);
  await Promise.all(
    Array.from({ length: clients }, (_, i) => {
      return client({ url, agent, draw: stream(seed, `client/${i}`) }, isOn, (what) => {
        endings[what] = (endings[what] ?? 0) + 1;
      });
    }),
  );
  await troubles;
  clearTimeout(third);
  agent.destroy();
  for (const engine of engines) engine.faults.clear();
  await until(() => proxy.held()['exchanges'] === 0 && proxy.held()['leases'] === 0);
  await conserved(proxy);
  const { arrived, granted } = proxy.host.machine.gateway.counts;
  await stage.close();
  for (const engine of engines) expect(engine.held).toBe(0);
  heaps.push(heapMb());
  return { endings, arrived, attempts: granted, heapMb: [heaps[0] as number, heaps.at(-1) as number] };
}

/** Hangs for ever, resets at once or in the midst, or drips. */
async function rudeWorker(stage: Stage, draw: Rng): Promise<string> {
  return stage.worker((request, response) => {
    if (request.method === 'GET') {
      response.end('{}');
      return;
    }
    request.resume();
    const what = draw();
    if (what < 0.2) return;
    if (what < 0.4) {
      request.socket.resetAndDestroy();
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: {"n":1}\n\ndata: {"n":');
    const next = (left: number): void => {
      if (response.destroyed) return;
      if (left > 0) response.write(`${left}`, () => setTimeout(() => next(left - 1), 20));
      else if (what < 0.7) request.socket.resetAndDestroy();
      else response.end('}\n\ndata: [DONE]\n\n');
    };
    next(5);
  });
}

async function client(hit: Hit, isOn: () => boolean, ended: (what: string) => void): Promise<void> {
  const weights = VISITS.reduce((sum, [, weight]) => sum + weight, 0);
  while (isOn()) {
    let place = hit.draw() * weights;
    const chosen = VISITS.find(([, weight]) => (place -= weight) < 0) ?? VISITS[0];
    const [name, , visit] = chosen as (typeof VISITS)[number];
    ended(`${name}: ${await visit(hit)}`);
  }
}

/** One engine fails 45 % throughout; the others meet a fault now and then; the operator turns what can be turned. */
async function trouble(
  engines: readonly LiveEngine[],
  proxy: Proxy,
  urls: readonly string[],
  draw: Rng,
  isOn: () => boolean,
): Promise<void> {
  let turns = 0;
  while (isOn()) {
    const [failing, ...others] = engines;
    failing?.faults.arm({ kind: 'errors', ratio: 0.45, status: 503, retryAfter: Infinity, for: Infinity });
    const engine = others[Math.floor(draw() * others.length)] as LiveEngine;
    engine.faults.arm(FAULTS[Math.floor(draw() * FAULTS.length)] as EngineFault);
    if (++turns % 8 === 0) {
      const workers = turns % 16 === 0 ? urls : urls.slice(1);
      const queue = turns % 3 === 0 ? { name: 'fifo', size: 50 } : POLICIES.queue;
      await proxy.reload(settingsOf({ ...CONFIG, workers, policies: { ...POLICIES, queue } }));
    }
    await new Promise((resolve) => setTimeout(resolve, 50 + draw() * 150));
  }
}

/** What came in went out once, by the core's own counts and by those that an operator sees. */
async function conserved(proxy: Proxy): Promise<void> {
  const { gateway } = proxy.host.machine;
  gateway.checkInvariants();
  const { arrived, finished, granted, settled } = gateway.counts;
  expect({ finished, settled }).toEqual({ finished: arrived, settled: granted });
  const text = await proxy.metrics.registry.metrics();
  const sum = (name: string): number => {
    const samples = [...text.matchAll(new RegExp(`^spillway_${name}(?:\\{.*\\})? (\\d+)$`, 'gm'))];
    return samples.reduce((total, [, value]) => total + Number(value), 0);
  };
  expect(sum('requests_total')).toBe(arrived);
  expect(sum('responses_total')).toBeGreaterThanOrEqual(arrived);
}

/** Of the live heap. */
function heapMb(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed / 2 ** 20;
}
