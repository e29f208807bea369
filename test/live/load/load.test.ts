/** `spillway load` against engines, proxies and scripted workers on real sockets. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runScenario } from '../../../src/lab/run.ts';
import { leavesOf } from '../../../src/results/compare-values.ts';
import { fieldDoc } from '../../../src/results/result-fields.ts';
import type { RunResult } from '../../../src/results/result.ts';
import { type Said, say } from '../../cli/fake-terminal.ts';
import { post } from '../clients.ts';
import { Stage } from '../stage.ts';

let stage: Stage;
let folder: string;
beforeEach(() => {
  stage = new Stage();
  folder = mkdtempSync(join(tmpdir(), 'spillway-load-'));
});
afterEach(async () => {
  await stage.close();
  rmSync(folder, { recursive: true });
});

function scenario(workload: string, rest = ''): string {
  const path = join(folder, 'scenario.yaml');
  const lines = ['name: small', 'why: a test', 'source: here', 'fleet: [{count: 1, engine: {}}]'];
  writeFileSync(path, [...lines, `workload: {prompt: 40, output: 6, ${workload}}`, rest].join('\n'));
  return path;
}

async function load(path: string, target: string, ...more: readonly string[]): Promise<Said & { result: RunResult }> {
  const said = await say(['load', path, '--target', target, '--json', ...more]);
  return { ...said, result: said.out === '' ? ({} as RunResult) : (JSON.parse(said.out) as RunResult) };
}

const CLOSED = 'kind: closed, users: 3, requests: 12';

function constant(perSec: number, requests: number): string {
  return `kind: open, arrivals: {process: constant, rate: ${perSec}}, requests: ${requests}`;
}

describe('a load', () => {
  it('counts what its clients see, under the names of a simulated run', async () => {
    const engine = await stage.engine();
    const { result, code } = await load(scenario(CLOSED, 'slo: {ttft: 1h}'), engine.url);
    expect(code).toBe(0);
    expect(result).toMatchObject({
      ...{ scenario: 'small', variant: 'base', digest: '', target: { url: engine.url } },
      ...{ offered: 12, completed: 12, failed: 0, good_request_fraction: 1, amplification: 1 },
      ...{ total_input_tokens: 480, total_output_tokens: 72, held: { 'client.running': 0 } },
    });
    expect(result.mean_ttft_ms).toBeGreaterThan(0);
    expect(result.mean_e2el_ms).toBeGreaterThan(result.mean_ttft_ms as number);
    expect(result.mean_itl_ms).toBeGreaterThan(0);
    for (const path of leavesOf(result).keys()) expect(fieldDoc(path), path).toBeDefined();
  });

  it('writes what a simulated run writes, for the two to be compared', async () => {
    const engine = await stage.engine();
    const path = scenario(CLOSED);
    const [real, simulated] = [join(folder, 'real'), join(folder, 'simulated')];
    expect((await load(path, engine.url, '--out', real)).code).toBe(0);
    expect((await say(['run', path, '--out', simulated], runScenario)).code).toBe(0);
    expect(readdirSync(real)).toEqual(readdirSync(simulated));
    expect(readFileSync(join(real, 'requests.jsonl'), 'utf8').trim().split('\n')).toHaveLength(12);
    expect(readFileSync(join(real, 'report.md'), 'utf8')).toContain(`--target ${engine.url}`);
    const said = await say(['compare', '--results', simulated, join(real, 'result.json')]);
    expect(said.code).toBe(0);
    expect(said.out).toMatch(/simulated \(simulated\) +real \(real\) +difference/);
    expect(said.out).toMatch(/offered +12 +12 +0\.0 %/);
    const document = JSON.parse((await say(['compare', '--results', simulated, real, '--json'])).out) as object;
    expect(document).toMatchObject({ a: { target: null }, b: { target: { url: engine.url } } });
  });

  it('sends when requests are due, however slow the endpoint, and counts from then', async () => {
    const url = await stage.worker((_, response) => void setTimeout(() => response.writeHead(500).end(), 600));
    const started = performance.now();
    const { result } = await load(scenario(constant(100, 40)), url, '--model', 'm');
    // 40 requests of 600 ms one after the other would take 24 s.
    expect(performance.now() - started).toBeLessThan(12_000);
    expect(result).toMatchObject({ offered: 40, completed: 0, outcomes: { failed: 40 } });
  });

  it('counts its own delay in, and tells of it', async () => {
    const engine = await stage.engine();
    setTimeout(() => {
      for (const until = performance.now() + 400; performance.now() < until; );
    }, 300);
    const { result, err } = await load(scenario(constant(50, 50)), engine.url);
    expect(result.target?.late_max_ms).toBeGreaterThan(250);
    expect(result.max_ttft_ms).toBeGreaterThan(250);
    expect(err).toContain('the client fell behind');
  });

  it('keeps as many requests running as there are users', async () => {
    let [running, most] = [0, 0];
    const url = await stage.worker((request, response) => {
      request.resume().on('end', () => {
        most = Math.max(most, ++running);
        setTimeout(() => {
          running--;
          response.writeHead(200, { 'content-type': 'application/json' }).end('{"choices":[]}');
        }, 20);
      });
    });
    const { result } = await load(scenario(CLOSED), url, '--model', 'm', '--stream', 'off');
    expect([most, result.completed]).toEqual([3, 12]);
  });

  it('asks as it is told: completions or chat, whole or as events, with a key', async () => {
    const seen: { path: string; body: Record<string, unknown>; key: string | undefined }[] = [];
    const url = await stage.worker((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        if (request.method === 'GET') {
          response.end('{"data":[{"id":"listed"}]}');
          return;
        }
        const body = JSON.parse(text) as Record<string, unknown>;
        seen.push({ path: request.url ?? '', body, key: request.headers.authorization });
        response.writeHead(200).end('{"choices":[{"text":"x"}]}');
      });
    });
    process.env['SPILLWAY_TEST_KEY'] = 'secret';
    const path = scenario(constant(100, 1));
    const more = ['--api', 'completions', '--stream', 'off', '--ignore-eos', '--key-env', 'SPILLWAY_TEST_KEY'];
    const { result } = await load(path, url, ...more);
    const [first] = seen;
    expect(first).toMatchObject({ path: '/v1/completions', key: 'Bearer secret' });
    expect(first?.body).toMatchObject({ model: 'listed', max_tokens: 6, ignore_eos: true });
    expect(first?.body).not.toHaveProperty('stream');
    expect(first?.body['prompt']).toHaveLength(160);
    // Without usage the workload's own lengths count.
    expect(result).toMatchObject({ total_input_tokens: 40, total_output_tokens: 6, mean_itl_ms: null });
    expect(result.mean_ttft_ms).toBe(result.mean_e2el_ms);
    await load(path, url, '--model', 'own');
    expect(seen[1]).toMatchObject({ path: '/v1/chat/completions', body: { model: 'own', stream: true } });
  });

  it('tells refusals of the gateway from failures, and broken streams from whole ones', async () => {
    const engine = await stage.engine();
    const proxy = await stage.proxy([engine.url], {
      policies: { capacity: { name: 'fixed', max: 1 }, queue: { name: 'fifo', size: 0 } },
    });
    const { result } = await load(scenario(constant(500, 20)), proxy.url, '--model', 'test-model');
    expect(result.outcomes.shed_queue_full).toBe(result.failed);
    expect(result.failed).toBeGreaterThan(0);
    await post(`${engine.url}/faults`, { kind: 'cut', after: 3 });
    const cut = await load(scenario(CLOSED), engine.url);
    expect(cut.result).toMatchObject({ completed: 0, outcomes: { failed: 12 }, attempt_outcomes: { failed: 12 } });
  });

  it('has clients that lose patience, send again, and are not waited for for ever', async () => {
    const engine = await stage.engine();
    await post(`${engine.url}/faults`, { kind: 'hang', scope: 'engine' });
    const impatient = 'clientTimeout: 30ms\nclients: {retry: {name: exponential, maxAttempts: 2}}';
    const path = scenario(constant(200, 4), impatient);
    const { result } = await load(path, engine.url);
    expect(result).toMatchObject({ offered: 8, outcomes: { client_timeout: 8 } });
    expect(result.clients).toMatchObject({ asked: 4, sends: 8, gave_up: 4 });
    const endless = await load(scenario(constant(200, 4), 'limits: {drain: 50ms}'), engine.url);
    expect([endless.code, endless.result.outcomes.unfinished]).toEqual([5, 4]);
    expect(endless.err).toContain('unfinished: 4 requests were still running at the drain limit');
  });

  it('ends at once when it is interrupted, and keeps its records', async () => {
    const engine = await stage.engine();
    const out = join(folder, 'out');
    setTimeout(() => process.emit('SIGINT'), 600);
    const said = await say(['load', scenario(constant(50, 1000)), '--target', engine.url, '--out', out]);
    expect([said.code, said.err]).toEqual([130, 'interrupted; records so far are kept\n']);
    expect(readdirSync(out)).not.toContain('result.json');
    expect(readFileSync(join(out, 'requests.jsonl'), 'utf8').split('\n').length).toBeGreaterThan(3);
  });

  it('sends a trace', async () => {
    const engine = await stage.engine();
    const trace = join(folder, 'trace.csv');
    const rows = ['2024-01-01 00:00:00,20,2', '2024-01-01 00:00:00.1,30,3'];
    writeFileSync(trace, `${['TIMESTAMP,ContextTokens,GeneratedTokens', ...rows].join('\n')}\n`);
    const { result, code, err } = await load(trace, engine.url);
    expect([code, err, result.total_input_tokens, result.total_output_tokens]).toEqual([0, '', 50, 5]);
  });

  it.each(['basic', 'realistic', 'progressive', 'sustained'])('sends sglang’s shape %s', async (shape) => {
    const engine = await stage.engine({ speed: 100 });
    const set = ['--set', 'workload.requests=10', '--set', 'workload.prompt=20', '--set', 'workload.output=3'];
    const { result, code } = await load(`load-shapes/sglang-${shape}`, engine.url, ...set);
    expect([code, result.completed]).toEqual([0, 10]);
  });
});

describe('a load is refused', () => {
  it.each([
    [['default'], 'missing --target; allowed http://HOST:PORT or https://HOST:PORT'],
    [['--target', 'http://127.0.0.1:1'], 'need at least 1'],
    [['default', '--target', 'ftp://x'], '--target: value "ftp://x"; allowed http://HOST:PORT'],
    [['default', '--target', 'http://x/v1'], 'without a path'],
    [['default', '--target', 'http://x', '--api', 'other'], '--api: value "other"; allowed chat, completions'],
    [['default', '--target', 'http://x', '--stream', 'no'], '--stream: value "no"; allowed on, off'],
    [['default', '--target', 'http://x', '--streams', 'on'], 'unknown flag --streams'],
    [['default', '--target', 'http://x', '--key-env', 'SPILLWAY_UNSET'], 'SPILLWAY_UNSET holds no secret'],
    [['default', '--target', 'http://127.0.0.1:1'], '--target: http://127.0.0.1:1/v1/models: ECONNREFUSED'],
    [['datadesigner-725', '--target', 'http://x'], 'workload.kind: value "dataset"; allowed open, closed, trace'],
    [['none-such.yaml', '--target', 'http://x'], 'no such file'],
    [['default', '--target', 'http://x', '--variant', 'none-such'], 'none-such'],
  ])('for %j', async (args, message) => {
    const said = await say(['load', ...args]);
    expect(said.code).toBe(2);
    expect(said.err).toContain(message);
  });

  it('when the endpoint lists no model', async () => {
    const path = scenario(CLOSED);
    const none = await stage.worker((_, response) => response.end('{"data":[]}'));
    expect((await load(path, none)).err).toContain('/v1/models: no model; allowed one at least, or --model');
    const closed = await stage.worker((_, response) => response.writeHead(401).end());
    expect((await load(path, closed)).err).toContain('/v1/models: status 401; allowed 200, or --model');
    const other = await stage.worker((_, response) => response.end('<html>'));
    expect((await load(path, other)).err).toContain('/v1/models: no JSON');
  });
});

describe('two results side by side are refused', () => {
  it.each([
    [['--results', 'a'], '--results: allowed two results'],
    [['--results', 'a', 'b', 'c'], '--results: allowed two results'],
    [['--results', 'a', 'b', '--seeds', '3'], '--results: --seeds beside it; allowed --json only'],
    [['default', '--results', 'a', 'b'], '--results: a scenario beside it; allowed --json only'],
    [['--results', 'none-such', 'b'], '--results: none-such: no such file; allowed a result.json'],
    [['--results', 'package.json', 'b'], '--results: package.json: no result; allowed a result.json'],
  ])('for %j', async (args, message) => {
    const said = await say(['compare', ...args]);
    expect(said.code).toBe(2);
    expect(said.err).toContain(message);
  });
});
