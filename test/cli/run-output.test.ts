import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Runner } from '../../src/lab/run-types.ts';
import { TraceError } from '../../src/workload/trace-error.ts';
import { fakeRunner, say } from './fake-terminal.ts';
import { MINIMAL } from '../lab/scenario-texts.ts';

let folder = '';
let scenario = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-out-'));
  scenario = join(folder, 's.yaml');
  const variants = 'variants: {as-is: {set: {}}, wide: {set: {fleet.0.count: 3}}}\n';
  writeFileSync(scenario, `${MINIMAL}${variants}expect: [{path: rows.completed, equals: 9}]\n`);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const read = (...path: string[]) => readFileSync(join(folder, ...path), 'utf8');
const out = (...args: string[]) => ['run', scenario, '--out', join(folder, 'o'), ...args];
const failing: Runner = (resolved, options) => {
  void fakeRunner()(resolved, options);
  return Promise.reject(new TraceError('t.csv', 7, 'prompt is -1', 'a whole number'));
};

describe('--out', () => {
  it('leaves result, report and records of one variant, and no temporary file', async () => {
    const { code } = await say(out());
    expect(code).toBe(0);
    const records = ['requests.csv', 'requests.jsonl'];
    const names = ['report.html', 'report.md', ...records, 'result.json', 'trace.json.gz'];
    expect(readdirSync(join(folder, 'o')).sort()).toEqual(names);
    const result = JSON.parse(read('o', 'result.json')) as object;
    expect(result).toMatchObject({ variant: 'base', expectations: [{ path: 'rows.completed', ok: true }] });
    expect(Object.keys(result).at(-1)).toBe('host');
    const lines = read('o', 'requests.jsonl').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ id: 1 }, { id: 2 }]);
    const [head = '', first = ''] = read('o', 'requests.csv').split('\n');
    const [line = ''] = lines;
    expect(head.split(',')).toEqual(Object.keys(JSON.parse(line) as object));
    expect(first.split(',')).toEqual(Object.values(JSON.parse(line) as object).map(String));
    expect(read('o', 'report.md')).toContain(`spillway run ${scenario}\n`);
  });

  it('gives each variant a folder, and runs a base that equals a variant once', async () => {
    await say(out('--all-variants'));
    expect(readdirSync(join(folder, 'o')).sort()).toEqual(['as-is', 'report.html', 'report.md', 'result.json', 'wide']);
    expect(readdirSync(join(folder, 'o', 'wide'))).toHaveLength(6);
    const all = JSON.parse(read('o', 'result.json')) as { variants: object; expectations: unknown[] };
    expect(Object.keys(all.variants)).toEqual(['as-is', 'wide']);
    expect(all.expectations).toMatchObject([{ variant: 'base', ok: true }]);
  });

  it('takes away what a failed run has made, and only that', async () => {
    const said = await say(out('--all-variants'), failing);
    expect(said.code).toBe(2);
    expect(existsSync(join(folder, 'o'))).toBe(false);
    mkdirSync(join(folder, 'o'));
    writeFileSync(join(folder, 'o', 'requests.jsonl'), 'of an older run\n');
    await say(out(), failing);
    expect(readdirSync(join(folder, 'o'))).toEqual(['requests.jsonl']);
    expect(read('o', 'requests.jsonl')).toBe('of an older run\n');
  });

  it("keeps the records of an interrupted run, and takes away an older run's result", async () => {
    await say(out());
    const { code } = await say(out(), fakeRunner({ status: 'interrupted' }));
    expect(code).toBe(130);
    expect(readdirSync(join(folder, 'o'))).toEqual(['requests.csv', 'requests.jsonl']);
    expect(read('o', 'requests.jsonl').split('\n')).toHaveLength(3);
  });

  it('writes nothing when the scenario is wrong', async () => {
    expect((await say(out('--set', 'fleet.0.count=0'))).code).toBe(2);
    expect(existsSync(join(folder, 'o'))).toBe(false);
  });
});

describe('--json', () => {
  it('prints the result document of one variant, equal to the file', async () => {
    const said = await say(out('--json'));
    expect(said.out).toBe(read('o', 'result.json'));
    expect(JSON.parse(said.out)).toMatchObject({ variant: 'base', seed: 1 });
  });

  it('prints one document for several variants', async () => {
    const said = await say(['run', scenario, '--all-variants', '--json', '--seed', '5']);
    const variants = { wide: { seed: 5 }, 'as-is': { seed: 5 } };
    expect(JSON.parse(said.out)).toMatchObject({ scenario: 'example', variants, expectations: [{}] });
  });
});

describe('the table', () => {
  it('has a column a variant', async () => {
    const { out: table } = await say(['run', scenario, '--all-variants']);
    expect(table.split('\n')[0]?.trim().split(/\s+/)).toEqual(['as-is', 'wide']);
  });
});

describe('the worlds that run', () => {
  it('are those of the flags', async () => {
    const seen: unknown[] = [];
    const run: Runner = (resolved, options) => {
      const { seed, workers, check } = resolved.config;
      seen.push([resolved.variant, seed, workers.length, check]);
      return fakeRunner()(resolved, options);
    };
    await say(['run', scenario], run);
    await say(['run', scenario, '--variant', 'wide', '--check', '--seed', '4'], run);
    await say(['run', scenario, '--set', 'fleet.0.count=7', '--set', 'seed=3'], run);
    expect(seen).toEqual([
      ['base', 1, 2, false],
      ['wide', 4, 3, true],
      ['base', 3, 7, false],
    ]);
  });

  it('are of a trace file given in place of a scenario', async () => {
    const trace = join(folder, 't.csv');
    writeFileSync(trace, 'x\n');
    const seen: unknown[] = [];
    const run: Runner = (resolved, options) => {
      seen.push([resolved.name, resolved.workload]);
      return fakeRunner()(resolved, options);
    };
    await say(['run', trace], run);
    expect(seen).toMatchObject([['default', { kind: 'trace', path: trace }]]);
  });
});
