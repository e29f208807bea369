import { fork, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stream } from '../../src/kernel/rng.ts';
import { resolveVariant, type ResolvedScenario } from '../../src/lab/resolve.ts';
import { runScenario } from '../../src/lab/run.ts';
import { parseScenario } from '../../src/lab/scenario.ts';
import { openTrace } from '../../src/workload/trace.ts';
import { buildWorld, engine, finish, MS, runWorld, SEC, type FinishedWorld } from '../harness/world-builder.ts';
import { runsOf, worldSpec } from '../arbitrary/world-spec.ts';

const ROOT = join(import.meta.dirname, '../..');
const SEED = 20261122;

/**
 * Faults of every kind, preemption, prefix reuse, retries, client timeouts and load reports, in some 30,000 entries.
 */
const BUSY = `
name: busy
why: Everything that could differ between two runs happens.
source: a test
seed: 7
fleet:
  - {count: 3, engine: {maxRunning: 16, maxBatchedTokens: 256, blocks: 120, blockTokens: 16}}
  - {endpoint: {maxRunning: 2, maxWaiting: 4, service: {dist: exponential, mean: 80ms}}}
network: {client: {dist: lognormal, mean: 2ms, cv: 1}}
reports: {every: 50ms, delay: {dist: exponential, mean: 40ms}, loss: 0.1, duplicates: 0.1, stamps: worker}
health: {detection: 200ms}
host: {input: 20us, start: 30us, queued: 1us}
workload:
  kind: open
  arrivals: {process: gamma, rate: 60, cv: 2}
  requests: 2500
  prompt: {dist: lognormal, mean: 150, cv: 0.8, min: 1, max: 900}
  output: {dist: lognormal, mean: 40, cv: 0.8, min: 1, max: 300}
  prefix: {groups: 5, tokens: 96, share: 0.6, block: 16}
clientTimeout: 8s
faults:
  - {kind: crash, worker: 1, at: 5s, for: 4s}
  - {kind: slow, worker: 0, at: 8s, for: 6s, factor: 4}
  - {kind: errors, worker: all, at: 15s, for: 5s, ratio: 0.2, status: 429, retryAfter: 300ms}
  - {kind: stall, at: 3s, for: 250ms, every: 4s, times: 5}
  - {kind: hang, worker: 2, at: 20s, for: 1500ms, fires: 0.7, every: 4s, times: 4}
  - {kind: cut, worker: all, at: 20s, for: 10s, ratio: 0.1, after: {dist: uniform, min: 1, max: 40}}
  - {kind: partition, worker: {draw: 2}, at: 22s, for: 700ms, every: 3s, times: 3}
  - {kind: skew, worker: 1, at: 10s, for: 10s, behind: 300ms}
  - {kind: restart, worker: all, at: 5s, load: 900ms, rate: 120, until: 40s}
  - {kind: drain, worker: 3, at: 25s, bound: 2s, for: 5s, load: 1s}
  - {kind: join, worker: 2, at: 2s, load: 1s}
policies:
  queue: {name: fifo, size: 60, timeout: 3s}
  router: {name: power-of-two}
  timeouts: {attempt: 6s, request: 20s, worker: 2s}
`;

function busy(set: readonly string[] = [], fastForward = true): ResolvedScenario {
  return resolveVariant(parseScenario(BUSY, 'busy.yaml'), 'base', { set, fastForward });
}

/** All that identifies a history. */
function historyOf({ world, recorder, records, state }: FinishedWorld) {
  const { digest } = world.journal;
  return {
    state,
    digest: digest.value(),
    entries: digest.entries,
    records,
    wasted: recorder.wastedTokens(),
    endedAt: world.endedAt,
  };
}

describe('one world', () => {
  it('has one history, to the last checkpoint and field', async () => {
    const first = await runScenario(busy());
    const second = await runScenario(busy());
    expect(first.status).toBe('ok');
    expect(first.checkpoints.length).toBeGreaterThan(3);
    expect(second).toEqual(first);
    // What makes the claim worth something.
    const { result } = first;
    const { preemptions, prefix_hit_tokens: hits, outcomes, wasted_tokens: wasted } = result;
    const met = [preemptions, hits, outcomes.ok_after_retry, wasted.crash, wasted.failed];
    expect(met.every((count) => count > 0)).toBe(true);
  });

  it('has another history under another seed, and under another setting', async () => {
    const worlds = [busy(), busy(['seed=8']), busy(['network.worker=251us'])];
    const digests = await Promise.all(worlds.map(async (it) => (await runScenario(it)).result.digest));
    expect(new Set(digests).size).toBe(3);
  });

  it('has the same history when the caller pauses, listens or records', async () => {
    const plain = await runScenario(busy());
    const watched = await runScenario(busy(), {
      pause: () => Promise.resolve(),
      onProgress: () => undefined,
      onRecord: () => undefined,
      tap: { from: 100, to: 200, record: () => undefined },
    });
    expect(watched).toEqual(plain);
  });

  it('has the same history whether engines skip uneventful passes or step through them', async () => {
    const skipping = await runScenario(busy());
    const stepping = await runScenario(busy([], false));
    const { events: fewer, ...skipped } = skipping.result;
    const { events: more, ...stepped } = stepping.result;
    expect(more).toBeGreaterThan(fewer);
    expect(stepping.checkpoints).toEqual(skipping.checkpoints);
    expect(stepped).toEqual(skipped);
  });
});

describe('any small world', () => {
  it('has one history, stepped or skipped, in one slice or in many', { timeout: 600_000 }, () => {
    fc.assert(
      fc.property(worldSpec, (spec) => {
        const history = historyOf(runWorld(spec));
        expect(historyOf(runWorld(spec))).toEqual(history);
        expect(historyOf(runWorld({ ...spec, fastForward: false }))).toEqual(history);
        expect(historyOf(finish(buildWorld(spec), 1))).toEqual(history);
        expect(historyOf(finish(buildWorld(spec), 17))).toEqual(history);
      }),
      { seed: SEED, numRuns: runsOf(80) },
    );
  });

  it('is safe in any order of the events of one instant', { timeout: 600_000 }, () => {
    let parted = 0;
    fc.assert(
      fc.property(worldSpec, fc.nat(), (spec, order) => {
        const shuffle = stream(order, 'tie-break');
        const run = runWorld({ ...spec, tieBreak: () => Math.floor(shuffle() * 2 ** 32) });
        expect(run.state).toBe('done');
        expect(Object.values(run.world.held()).every((count) => count === 0)).toBe(true);
        expect(run.records.length).toBe(run.recorder.offered);
        expect(run.records.reduce((sum, record) => sum + record.attempts, 0)).toBe(run.recorder.attempts);
        if (run.world.journal.digest.value() !== runWorld(spec).world.journal.digest.value()) parted++;
      }),
      { seed: SEED, numRuns: runsOf(80) },
    );
    // The order does reach the cores.
    expect(parted).toBeGreaterThan(10);
  });

  it('sends the same requests whatever the policies', { timeout: 600_000 }, () => {
    const open = worldSpec.filter((spec) => spec.workload?.kind === 'open');
    fc.assert(
      fc.property(open, (spec) => {
        const changed = { router: { name: 'random' }, queue: { name: 'fifo', size: 1 }, retry: { name: 'none' } };
        expect(asked(runWorld({ ...spec, policies: { ...spec.policies, ...changed } }))).toEqual(asked(runWorld(spec)));
      }),
      { seed: SEED, numRuns: runsOf(40) },
    );
  });
});

describe('two policies', () => {
  it('meet the same requests and the same service times', () => {
    const run = (router: string) =>
      runWorld({
        check: false,
        workers: [engine(), engine({ maxRunning: 1 })],
        workload: {
          kind: 'open',
          arrivals: { process: 'poisson', ratePerSec: 100 },
          prompt: { dist: 'uniform', min: 1, max: 60 },
          output: { dist: 'uniform', min: 1, max: 30 },
          prefix: undefined,
          tenants: [
            { name: 'a', weight: 1, priority: 0 },
            { name: 'b', weight: 2, priority: 0 },
          ],
          requests: 300,
          durationUs: Infinity,
        },
        policies: { router: { name: router } },
      });
    const [one, other] = [run('random'), run('least-load')];
    expect(asked(other)).toEqual(asked(one));
    expect(other.records.map((it) => it.worker)).not.toEqual(one.records.map((it) => it.worker));
  });
});

describe('a trace', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'spillway-trace-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('gives one history however its bytes come in', async () => {
    const path = join(folder, 'trace.csv');
    const draw = stream(3, 'trace');
    const upTo = (max: number) => 1 + Math.floor(draw() * max);
    const rows = Array.from({ length: 5_000 }, (_, i) => `${i * 2},${upTo(50)},${upTo(20)}`);
    writeFileSync(path, `arrival_ms,prompt_tokens,output_tokens\n${rows.join('\n')}\n`);
    const columns = {
      arrival: 'arrival_ms',
      arrivalUnit: 'ms',
      prompt: 'prompt_tokens',
      output: 'output_tokens',
    } as const;
    const config = { kind: 'trace', path, format: 'csv', columns, speed: 1, requests: Infinity } as const;
    const replay = async (chunkBytes: number, sliceEvents: number) => {
      const trace = await openTrace(config, chunkBytes);
      const built = buildWorld({
        check: false,
        workers: [engine({ maxRunning: 16, blocks: 256 }), engine({ maxRunning: 16, blocks: 256 })],
        faults: [{ kind: 'stall', host: 'gateway', at: 2 * SEC, forUs: 300 * MS }],
        workload: trace,
      });
      let starved = 0;
      for (let state = built.world.advance(sliceEvents); state !== 'done'; state = built.world.advance(sliceEvents)) {
        expect(['running', 'starved']).toContain(state);
        if (state === 'starved') {
          starved++;
          await trace.refill();
        }
      }
      await trace.close();
      return { starved, history: historyOf({ ...built, state: 'done' }) };
    };
    const whole = await replay(1 << 20, 1_000_000);
    const crumbs = await replay(61, 997);
    expect(whole.history.records).toHaveLength(5_000);
    expect(crumbs.starved).toBeGreaterThan(whole.starved);
    expect(crumbs.history).toEqual(whole.history);
  });
});

describe('elsewhere', () => {
  let dist = '';
  let temporary: string | undefined;
  let scripts = '';
  let here: { digest: string; entries: number };

  // `npm test` builds dist before; by hand it may be missing or older than the sources.
  beforeAll(async () => {
    scripts = mkdtempSync(join(tmpdir(), 'spillway-elsewhere-'));
    dist = join(ROOT, 'dist');
    const built = join(dist, 'src/lab/run.js');
    if (!existsSync(built) || statSync(built).mtimeMs < newest(['src', 'policies'])) {
      temporary = dist = mkdtempSync(join(ROOT, 'node_modules/.spillway-dist-'));
      // Types are checked by others; what matters here is that the whole of it came out.
      spawnSync('npx', ['tsc', '-p', 'tsconfig.build.json', '--outDir', dist], { cwd: ROOT, stdio: 'ignore' });
    }
    const { result } = await runScenario(busy());
    here = { digest: result.digest, entries: result.digest_entries };
  }, 120_000);
  afterAll(() => {
    rmSync(scripts, { recursive: true });
    if (temporary !== undefined) rmSync(temporary, { recursive: true });
  });

  const script = (): string => `
    const { runScenario } = await import(${JSON.stringify(pathToFileURL(join(dist, 'src/lab/run.js')).href)});
    const answer = async (resolved) => {
      const { result } = await runScenario(resolved);
      return { digest: result.digest, entries: result.digest_entries };
    };`;

  it('a fresh process gives the same digest', { timeout: 60_000 }, async () => {
    const file = join(scripts, 'child.mjs');
    const body = `process.once('message', async (m) => process.send(await answer(m), () => process.disconnect()));`;
    writeFileSync(file, `${script()} ${body}`);
    const child = fork(file, [], { serialization: 'advanced', execArgv: [] });
    const answer = await new Promise((resolve, reject) => {
      child.once('message', resolve);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the child ended with ${code}`)));
      child.send(busy());
    });
    expect(answer).toEqual(here);
  });

  it('a worker thread gives the same digest', { timeout: 60_000 }, async () => {
    const file = join(scripts, 'thread.mjs');
    const body = `
      import { parentPort, workerData } from 'node:worker_threads';
      parentPort.postMessage(await answer(workerData));`;
    writeFileSync(file, `${script()} ${body}`);
    const thread = new Worker(file, { workerData: busy(), execArgv: [] });
    const answer = await new Promise((resolve, reject) => {
      thread.once('message', resolve);
      thread.once('error', reject);
    });
    await thread.terminate();
    expect(answer).toEqual(here);
  });
});

/** What clients asked, by request. */
function asked({ records }: FinishedWorld) {
  return records
    .map((it) => [it.id, it.sentAt, it.promptTokens, it.maxOutputTokens, it.tenant] as const)
    .sort((a, b) => a[0] - b[0]);
}

function newest(folders: readonly string[]): number {
  let at = 0;
  for (const folder of folders) {
    for (const entry of readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) at = Math.max(at, statSync(join(entry.parentPath, entry.name)).mtimeMs);
    }
  }
  return at;
}

