/** The command as a process: what only signals, pipes and a second process can show. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/lab/package-root.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-process-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function start(args: readonly string[], main = 'src/cli/main.ts') {
  const child = spawn(process.execPath, ['--import', 'tsx', main, ...args], { cwd: packageRoot() });
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk) => (said.out += String(chunk)));
  child.stderr.on('data', (chunk) => (said.err += String(chunk)));
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, ...said }));
  });
  return { child, ended };
}

describe('spillway as a process', () => {
  it('gives the digest of a run again in a fresh process', async () => {
    const trace = join(folder, 't.csv');
    writeFileSync(trace, 'arrived_at_s,prompt_tokens,output_tokens\n0,9,5\n1,5,9\n');
    const { code, out, err } = await start(['run', trace, '--check-determinism', '--check', '--json']).ended;
    expect({ code, err }).toEqual({
      code: 0,
      err: 'expectations not checked: --trace replaces the workload they speak of\n',
    });
    expect(JSON.parse(out)).toMatchObject({ completed: 2, held: { 'gateway.leases': 0 } });
  });

  it('ends with 4 and names the first differing event when the fresh process differs', async () => {
    const args = ['run', '--set', 'workload.duration=1s', '--set', 'faults=[]', '--check-determinism'];
    const { code, err } = await start(args, 'test/cli/other-seed-main.ts').ended;
    expect(code).toBe(4);
    expect(err).toMatch(/base: not deterministic: the runs part between entries 0 and \d+ of the digest/);
    expect(err).toMatch(/first differing event: entry \d+ at \d+ us: gateway\.\w+ .* \| entry /);
  });

  it('stops at Ctrl-C within a second and leaves whole records', async () => {
    const out = join(folder, 'o');
    const { child, ended } = start(['run', '--set', 'workload.duration=1000h', '--out', out]);
    const part = join(out, 'requests.jsonl.part');
    while ((statSync(part, { throwIfNoEntry: false })?.size ?? 0) === 0) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    child.kill('SIGINT');
    expect(await ended).toEqual({ code: 130, out: '', err: 'interrupted\n' });
    expect(readdirSync(out)).toEqual(['requests.csv', 'requests.jsonl']);
    const lines = readFileSync(join(out, 'requests.jsonl'), 'utf8').split('\n');
    expect(lines.pop()).toBe('');
    expect(() => lines.map((line) => JSON.parse(line) as unknown)).not.toThrow();
  });

  it('keeps the hidden command for itself', async () => {
    const err = 'spillway: internal-replay is for --check-determinism only\n';
    expect(await start(['internal-replay']).ended).toEqual({ code: 2, out: '', err });
  });

  it('ends quietly when its reader closes the pipe', async () => {
    const { child, ended } = start(['schema']);
    child.stdout.destroy();
    expect(await ended).toMatchObject({ code: 0, err: '' });
  });
});
