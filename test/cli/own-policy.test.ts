/** A policy of the user's own, from its file to the exit code. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { packageRoot } from '../../src/lab/package-root.ts';
import { runScenario } from '../../src/lab/run.ts';
import { MINIMAL } from '../lab/scenario-texts.ts';
import { say } from './fake-terminal.ts';

// In this process vite resolves imports; the fresh one resolves as any process of spillway does (own-package.ts).
vi.mock('spillway/policies', () => import('../../policies/index.ts'));

const EXAMPLE = join(packageRoot(), 'test/lab/fixtures/least-in-flight.mjs');
const ROUTER = 'policies.router.name=least-in-flight';

let folder = '';
let scenario = '';
const { execArgv } = process;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-own-policy-'));
  scenario = join(folder, 'scenario.yaml');
  writeFileSync(scenario, MINIMAL);
  // The fresh process of --check-determinism runs the sources.
  process.execArgv = ['--import', 'tsx'];
});
afterAll(() => {
  process.execArgv = execArgv;
  rmSync(folder, { recursive: true });
});

function run(file: string, ...more: readonly string[]) {
  return say(['run', scenario, '--policies', file, '--set', ROUTER, '--json', ...more], runScenario);
}

/** The example with the answer of `pick` replaced, in a file of its own, which vite finds no package for. */
function withPick(name: string, pick: string): string {
  const registry = pathToFileURL(join(packageRoot(), 'policies/index.ts')).href;
  const text = readFileSync(EXAMPLE, 'utf8')
    .replace("from 'spillway/policies'", `from '${registry}'`)
    .replace(/return least <.*;/, `return ${pick};`);
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, text);
  return file;
}

describe('the example of a policy of your own', () => {
  it('is correct by the types of spillway/policies', () => {
    const { config } = ts.readConfigFile(join(packageRoot(), 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
      config: { compilerOptions: object };
    };
    const given = { ...config.compilerOptions, allowJs: true, checkJs: true, noEmit: true };
    const { options } = ts.convertCompilerOptionsFromJson(given, packageRoot());
    const program = ts.createProgram([EXAMPLE], options);
    const messages = ts.getPreEmitDiagnostics(program).map(({ messageText }) => messageText);
    expect(messages).toEqual([]);
  });

  it('sends each request to the worker with the fewest in flight, alike in a fresh process', async () => {
    const out = join(folder, 'out');
    const { code, err } = await run(EXAMPLE, '--check-determinism', '--check', '--out', out);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const lines = readFileSync(join(out, 'requests.jsonl'), 'utf8').trim().split('\n');
    const records = lines.map((line) => JSON.parse(line) as { id: number; worker: number });
    // Ten requests a second, each served in a fifth of one: every other finds the first worker taken.
    expect(records.sort((a, b) => a.id - b.id).map(({ worker }) => worker)).toEqual([0, 1, 0, 1, 0]);
  });

  it('is listed after the shipped policies of its role, with its settings and variants', async () => {
    const { code, out } = await say(['policies', '--policies', EXAMPLE]);
    expect(code).toBe(0);
    expect(out).toMatch(/ {2}least-in-flight\n {4}decides {2}Which worker.*\n {4}source {3}an example\n/);
    expect(out).toContain('    max = 1000  Attempts on one worker at once. Source: ours.\n    variants careful\n');
  });

  it('has settings, variants and unknown keys like any other', async () => {
    const refused = await run(EXAMPLE, '--set', 'policies.router.mex=3');
    expect(refused.code).toBe(2);
    expect(refused.err).toContain("policies.router.mex: unknown key; allowed name, variant, max (did you mean 'max'?)");
    const { out } = await run(EXAMPLE, '--set', 'policies.router.variant=careful');
    expect(JSON.parse(out)).toMatchObject({ policies: { router: { name: 'least-in-flight', max: 4 } } });
  });

  it('finds spillway/policies from a folder without packages', () => {
    const copy = join(folder, 'copy.mjs');
    writeFileSync(copy, readFileSync(EXAMPLE));
    const args = ['--import', 'tsx', 'src/cli/main.ts', 'policies', '--policies', copy];
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: packageRoot(), encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout).toContain('  least-in-flight\n');
  });

  it('is unknown without its file', async () => {
    const { code, err } = await say(['run', scenario, '--set', ROUTER]);
    expect(code).toBe(2);
    expect(err).toContain('value "least-in-flight"; allowed power-of-two, least-load');
  });

  it('counts in the scenario hash by what the file says, not by its name', async () => {
    const hashOf = async (file: string) => {
      const { out } = await run(file);
      return (JSON.parse(out) as { scenario_hash: string }).scenario_hash;
    };
    const hash = await hashOf(withPick('one', '0'));
    expect(await hashOf(withPick('same', '0'))).toBe(hash);
    expect(await hashOf(withPick('other', '1'))).not.toBe(hash);
  });
});

describe('a policy of your own that breaks the port', () => {
  it('ends with 3 and what it called when it draws unseeded', async () => {
    const { code, out, err } = await run(withPick('draws', 'Math.floor(Math.random() * candidates.length)'));
    expect({ code, out }).toEqual({ code: 3, out: '' });
    const allowed = 'allowed now, the first argument of each method, and context.rng';
    expect(err).toMatch(/^policy router\/least-in-flight: pick called Math\.random at [^\n]*draws\.mjs:\d+:\d+\)?; /);
    expect(err).toContain(allowed);
    expect(err).toMatch(/\n {2}input {4}pick\(\d+, request 0, \[worker 0 /);
    expect(err).toContain(`\n  scenario ${scenario}`);
  });

  it('ends with 4 and the first differing entry when another process is another history', async () => {
    const file = withPick('differs', 'process.send === undefined || process.argv[2] !== "internal-replay" ? 0 : 1');
    const { code, err } = await run(file, '--set', 'workload.requests=64', '--check-determinism');
    expect(code).toBe(4);
    expect(err).toMatch(/base: not deterministic: the runs part between entries 0 and \d+ of the digest\n/);
    expect(err).toMatch(/first differing event: entry \d+ at \d+ us: \S+ .* \| entry \d+ at/);
  });

  it('ends with 3 and its error, place and instant when it throws', async () => {
    const { code, out, err } = await run(withPick('throws', 'candidates.least()'));
    expect({ code, out }).toEqual({ code: 3, out: '' });
    const [first = '', ...rest] = err.split('\n');
    expect(first).toMatch(/^policy router\/least-in-flight: pick threw TypeError: candidates\.least /);
    expect(first).toMatch(/ at [^\n]*throws\.mjs:\d+:\d+\)? \(at \d+ µs, after \d+ events\)$/);
    const worker = 'worker 0 (ready, 0 in flight, no report)';
    expect(rest.join('\n')).toContain(`  input    pick(250, request 0, [${worker}`);
    expect(rest.at(-2)).toBe(`  scenario ${scenario}`);
  });

  it('ends with 3 and what is allowed when it answers a worker that is not there', async () => {
    const { code, out, err } = await run(withPick('wild', '99'));
    expect({ code, out }).toEqual({ code: 3, out: '' });
    const allowed = 'a whole number from -2 (refuse), -1 (wait) to 1';
    const fault = `policy router/least-in-flight: pick answered 99; allowed ${allowed}`;
    expect(err.startsWith(`${fault} (at `)).toBe(true);
    expect(err).toMatch(/^[^\n]* \(at \d+ µs, after \d+ events\)\n {2}input {4}pick\(/);
  });

  it('ends with 3, the call and its line when it does not come back', { timeout: 60_000 }, () => {
    const file = withPick('loops', '(() => { while (true); })()');
    const args = ['--import', 'tsx', 'src/cli/main.ts', 'run', scenario, '--policies', file, '--set', ROUTER];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: packageRoot(), encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
    expect(stderr).toMatch(
      /^policy router\/least-in-flight: pick did not end within 10 s at .*loops\.mjs:\d+\n {2}input {4}pick\(.*\n/,
    );
    expect(stderr.endsWith(`\n  scenario ${scenario}\n`)).toBe(true);
  });

  it('ends with 3 when it fails in the fresh process alone', async () => {
    const file = withPick('alone', 'process.send === undefined || process.argv[2] !== "internal-replay" ? 0 : 99');
    const { code, err } = await run(file, '--check-determinism');
    expect(code).toBe(3);
    const said = /^in the second process: policy router\/least-in-flight: pick answered 99; [^\n]*\n {2}scenario /;
    expect(err).toMatch(said);
  });
});
