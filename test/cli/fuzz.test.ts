/** `spillway fuzz` as a user calls it: threads, files, exit codes, what continuous integration reads. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { FuzzBench } from '../../src/lab/fuzz/bench.ts';
import { FuzzPool } from '../../src/lab/fuzz/fuzz-pool.ts';
import { WHOLE_SPACE } from '../../src/lab/fuzz/space.ts';
import { runScenario } from '../../src/lab/run.ts';
import { loadUserPolicies } from '../../src/lab/user-policies.ts';
import { plantedFile } from '../lab/fuzz/planted-policies.ts';
import { say } from './fake-terminal.ts';

vi.mock('spillway/policies', () => import('../../policies/index.ts'));

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-fuzz-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const SPACE = `base:
  fleet: [{count: 1, endpoint: {maxRunning: 1, service: 1s}}]
draw: [workload, policies.queue]
`;

describe('spillway fuzz', () => {
  it('writes the least scenario, which run replays to the digest, alike with any number of threads', async () => {
    const file = plantedFile(folder, 'faulty', 'one-too-many');
    const space = join(folder, 'space.yaml');
    writeFileSync(space, SPACE);
    const out = join(folder, 'found');
    const fuzz = (jobs: string) => {
      const flags = ['--space', space, '--policies', file, '--runs', '128', '--out', out, '--github'];
      return say(['fuzz', ...flags, '--jobs', jobs, '--junit', join(folder, `${jobs}.xml`)]);
    };
    const one = await fuzz('1');
    const found = join(out, 'permits-within-capacity.yaml');
    const scenario = readFileSync(found, 'utf8');
    const two = await fuzz('2');
    expect(one.err).toBe('');
    expect(two).toEqual(one);
    expect(readFileSync(found, 'utf8')).toBe(scenario);
    expect(readFileSync(join(folder, '2.xml'), 'utf8')).toBe(readFileSync(join(folder, '1.xml'), 'utf8'));
    expect(one.code).toBe(3);
    const labels = one.out.split('\n').flatMap((line) => /^ {2}(seed|path|digest|file|command) /.exec(line)?.[1] ?? []);
    expect(labels).toEqual(['seed', 'path', 'digest', 'file', 'command']);
    expect(one.out.indexOf('    fleet:')).toBeLessThan(one.out.indexOf('  seed  '));
    expect(one.out).toContain(`::error file=${found},line=1,title=permits-within-capacity%3A queue one-too-many::`);
    expect(readFileSync(join(folder, '1.xml'), 'utf8')).toContain('name="permits-within-capacity" file=');
    const digest = /^ {2}digest +(\S+)$/m.exec(one.out)?.[1];
    const again = await say(['run', found, '--policies', file, '--json'], runScenario);
    expect(again.code).toBe(3);
    expect((JSON.parse(again.out) as { digest: string }).digest).toBe(digest);
    expect(again.err).toContain('permits-within-capacity: queue one-too-many admits request ');
  });

  it('fails when a mark that is asked for is never met', async () => {
    const space = join(folder, 'quiet.yaml');
    writeFileSync(space, 'base: {fleet: [{count: 1, endpoint: {maxRunning: 1, service: 1s}}]}\ndraw: [workload]\n');
    const { code, out } = await say([
      'fuzz',
      '--space',
      space,
      '--runs',
      '8',
      '--jobs',
      '1',
      '--marks',
      'kv-preemption',
    ]);
    expect(code).toBe(1);
    expect(out).toContain('required  kv-preemption: an engine evicts a running sequence; no run met it');
  });

  it.each([
    [['--runs', '5', '--minutes', '1'], '--runs and --minutes exclude each other'],
    [['--minutes', '0'], '--minutes: value "0"; allowed minutes above 0, such as 5 or 0.5'],
    [['--marks', 'retri'], '--marks: value "retri"; allowed retry, retry-elsewhere'],
    [['--space', 'nowhere.yaml'], '--space: nowhere.yaml: no such file; allowed a file that can be read'],
  ])('refuses %j', async (flags, message) => {
    const { code, err } = await say(['fuzz', ...flags]);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});

describe('a policy that never answers', () => {
  it('is ended with its thread and named with what it was asked', async () => {
    const { file: policyFile } = await loadUserPolicies(plantedFile(folder, 'wrong', 'loops'));
    const setup = { space: WHOLE_SPACE, seed: 1, policyFile, invariantFile: undefined };
    const pool = new FuzzPool({ setup, bench: await FuzzBench.make(setup), jobs: 1 });
    const ticker = setInterval(() => pool.tick(), 500);
    try {
      const document = {
        ...{ name: 'hangs', why: 'Two at once.', source: 'a test', seed: 1 },
        fleet: [{ count: 1, endpoint: { maxRunning: 1, service: '1s' } }],
        workload: {
          ...{ kind: 'open', arrivals: { process: 'constant', rate: 10 } },
          ...{ prompt: 1, output: 1, requests: 2 },
        },
        policies: { router: { name: 'loops' } },
      };
      const trial = await pool.trial(document, false, 2);
      expect(trial?.failure).toMatchObject({ verdict: 'hang', invariant: 'no-hang' });
      const seen = await pool.whereItHangs(document);
      expect(seen?.message).toBe('policy router/loops: pick did not answer for 2 s and was ended');
      expect(seen?.input).toMatch(/^pick\(\d+, request 1, \[worker 0 \(ready, 1 in flight, no report\)\]\)$/);
    } finally {
      clearInterval(ticker);
      await pool.close();
    }
  });
});
