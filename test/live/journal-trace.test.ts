/** A gateway's journal as a workload: its arrivals as a trace, and what if they had met other policies. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runScenario } from '../../src/lab/run.ts';
import type { RunResult } from '../../src/results/result.ts';
import { say } from '../cli/fake-terminal.ts';
import { chat } from './clients.ts';
import { Stage } from './stage.ts';

let stage: Stage;
let folder: string;
let journal: string;
beforeEach(() => {
  stage = new Stage();
  folder = mkdtempSync(join(tmpdir(), 'spillway-journal-'));
  journal = join(folder, 'yesterday.journal');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Requests through a proxy over two engines. */
async function record(settings: object = {}, requests = 6): Promise<void> {
  const engines = [await stage.engine(), await stage.engine()];
  const urls = engines.map(({ url }) => url);
  const config = { policies: { router: { name: 'round-robin' } }, journal: settings };
  const proxy = await stage.proxy(urls, config, { journal });
  for (let i = 0; i < requests; i++) {
    const messages = [{ role: 'user', content: `question ${i} `.repeat(40) }];
    // The last one sets no bound: the engine stops by itself after 8.
    expect((await chat(proxy.url, { messages, max_tokens: i === requests - 1 ? undefined : 5 })).status).toBe(200);
  }
  await stage.close();
}

const PRESET = ['--preset', 'llama-3.1-8b-h100'];

describe('a journal', () => {
  it('becomes a trace that a run reads', async () => {
    await record();
    const out = join(folder, 'trace.jsonl');
    expect(await say(['trace', 'import', journal, '--out', out])).toEqual({
      ...{ code: 0, err: '', out: `${out}: 6 requests\n` },
    });
    const printed = await say(['trace', 'import', journal]);
    expect(printed.out).toBe(readFileSync(out, 'utf8'));
    const rows = printed.out.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows[0]).toMatchObject({ at_us: 0, tenant: 'anyone', block_tokens: 64 });
    expect(rows[0]?.['hash_ids']).toHaveLength(2);
    const ran = await say(['run', '--trace', out, '--json'], runScenario);
    expect(ran.code).toBe(0);
    const result = JSON.parse(ran.out) as RunResult;
    const promptTokens = rows.reduce((sum, row) => sum + (row['prompt_tokens'] as number), 0);
    expect([result.offered, result.total_input_tokens]).toEqual([6, promptTokens]);
    // The worker's count of a prompt and the gateway's estimate of it may be a token apart.
    expect(Math.abs(result.total_output_tokens - 33)).toBeLessThanOrEqual(6);
  });

  it('runs under other policies on a preset', async () => {
    await record();
    const variants = ['--variant', 'least:router.name=least-request', '--variant', 'queue.name=none;retry.name=none'];
    const said = await say(['replay', journal, ...PRESET, ...variants, '--json']);
    expect([said.code, said.err]).toEqual([0, '']);
    const { variants: results } = JSON.parse(said.out) as { variants: Record<string, RunResult> };
    expect(Object.keys(results)).toEqual(['base', 'least', 'variant-2']);
    for (const each of Object.values(results)) expect([each.offered, each.workers.length]).toEqual([6, 2]);
    const names = Object.values(results).map(({ policies }) => (policies['router'] as { name: string }).name);
    expect(names).toEqual(['round-robin', 'least-request', 'round-robin']);
    const again = await say(['replay', journal, ...PRESET, ...variants, '--json', '--set', 'fleet.0.count=1']);
    expect(again.out).not.toBe(said.out);
    const out = join(folder, 'report');
    await say(['replay', journal, ...PRESET, '--out', out]);
    expect(readFileSync(join(out, 'report.md'), 'utf8')).toContain('yesterday.journal --preset llama-3.1-8b-h100');
  });

  it('in several segments is one workload, under any policies', async () => {
    await record({ segment: '512B' }, 24);
    expect(readdirSync(folder).length).toBeGreaterThan(2);
    const rows = (await say(['trace', 'import', journal])).out.trim().split('\n');
    const times = rows.map((row) => (JSON.parse(row) as { at_us: number }).at_us);
    expect([times.length, times[0]]).toEqual([24, 0]);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    const said = await say(['replay', journal, ...PRESET, '--variant', 'least:router.name=least-request', '--json']);
    expect([said.code, said.err]).toEqual([0, '']);
    const { variants } = JSON.parse(said.out) as { variants: Record<string, RunResult> };
    const facts = Object.values(variants).map(({ offered, workers }) => [offered, workers.length]);
    expect(facts).toEqual([[24, 2], [24, 2]]);
    expect((await say(['replay', journal])).code).toBe(0);
  });

  it('whose first segments are gone is the rest of it, on the workers there were', async () => {
    await record({ segment: '512B', keep: 1 }, 24);
    expect(existsSync(`${journal}.1`)).toBe(false);
    const arrivals = readdirSync(folder).map((name) => {
      return readFileSync(join(folder, name), 'utf8').split('\n').filter((line) => line.startsWith('["arrive"')).length;
    });
    const left = arrivals.reduce((sum, each) => sum + each, 0);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(24);
    const said = await say(['replay', journal, ...PRESET, '--variant', 'random:router.name=random', '--json']);
    expect([said.code, said.err]).toEqual([0, '']);
    const { variants } = JSON.parse(said.out) as { variants: Record<string, RunResult> };
    expect(Object.keys(variants)).toEqual(['base', 'random']);
    for (const { offered, workers } of Object.values(variants)) expect([offered, workers.length]).toEqual([left, 2]);
    const names = Object.values(variants).map(({ policies }) => (policies['router'] as { name: string }).name);
    expect(names).toEqual(['round-robin', 'random']);
    expect((await say(['replay', journal])).code).toBe(0);
  });

  it('may end in the midst of a line or of a request', async () => {
    await record();
    const lines = readFileSync(journal, 'utf8').trim().split('\n');
    const last = lines.findLastIndex((line) => line.startsWith('["arrive"'));
    writeFileSync(journal, `${lines.slice(0, last + 1).join('\n')}\n["end",`);
    const rows = (await say(['trace', 'import', journal])).out.trim().split('\n');
    expect(rows).toHaveLength(6);
    // What it used is not known, so it is what it was allowed: the gateway's own guess, where nothing was said.
    expect(JSON.parse(rows[5] as string)).toMatchObject({ output_tokens: 256 });
  });
});

describe('a journal as a workload is refused', () => {
  it.each([
    [['trace', 'export', 'x'], 'trace: value "export"; allowed import'],
    [['trace', 'import'], 'need at least 2'],
    [['trace', 'import', 'none-such'], 'none-such: cannot be read: ENOENT'],
    [['trace', 'import', 'package.json'], 'package.json: line 1 is no head of a journal'],
    [['replay', 'x', '--variant', 'a=b'], '--variant: without --preset; allowed with a preset only'],
    [['replay', 'x', '--json'], '--json: without --preset; allowed with a preset only'],
    [['replay', 'none-such', ...PRESET], 'none-such: cannot be read: ENOENT'],
    [['replay', 'x', ...PRESET, '--variant', 'router'], '--variant: value "router"; allowed [NAME:]path=value'],
    [['replay', 'x', ...PRESET, '--variant', 'base:a=b'], '--variant: value "base:a=b"; allowed [NAME:]path=value'],
    [['replay', 'x', ...PRESET, '--variant', 'a:b=c', '--variant', 'a:b=d'], '--variant: name a a second time'],
  ])('for %j', async (args, message) => {
    const said = await say(args);
    expect(said.code).toBe(2);
    expect(said.err).toContain(message);
  });

  it('for policies and presets that are not there, without naming files of its own', async () => {
    await record();
    const router = await say(['replay', journal, ...PRESET, '--variant', 'router.name=other']);
    expect(router.code).toBe(2);
    expect(router.err).toMatch(/^policies\.router\.name: value "other"; allowed power-of-two, /);
    const preset = await say(['replay', journal, '--preset', 'other']);
    expect(preset.err).toMatch(/^fleet\.0\.engine\.preset: value "other"; allowed /);
    const set = await say(['replay', journal, ...PRESET, '--set', 'fleet.0.count=0']);
    expect(set.err).toContain('--set fleet.0.count=0: fleet.0.count: value 0; allowed');
    writeFileSync(journal, readFileSync(journal, 'utf8').split('\n')[0] as string);
    expect((await say(['trace', 'import', journal])).err).toContain('no request arrives in it; allowed a journal');
    writeFileSync(journal, '');
    expect((await say(['trace', 'import', journal])).err).toContain('the file is empty');
  });
});
