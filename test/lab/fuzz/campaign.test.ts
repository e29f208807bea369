/** Campaigns in this thread: what they find, what it shrinks to, and that they find nothing where there is nothing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { policyEntries } from '../../../policies/index.ts';
import { FuzzBench } from '../../../src/lab/fuzz/bench.ts';
import { type FuzzReport, runFuzz } from '../../../src/lab/fuzz/campaign.ts';
import { type DrawnPolicy, policyArbitrary } from '../../../src/lab/fuzz/drawn-policies.ts';
import { FuzzPool } from '../../../src/lab/fuzz/fuzz-pool.ts';
import type { ScenarioDocument } from '../../../src/lab/fuzz/scenario-arbitrary.ts';
import { WHOLE_SPACE } from '../../../src/lab/fuzz/space.ts';
import { loadUserPolicies } from '../../../src/lab/user-policies.ts';
import { plantedFile } from './planted-policies.ts';

vi.mock('spillway/policies', () => import('../../../policies/index.ts'));

const SEED = 3;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-campaign-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** What a fault of a gateway's policy needs; the whole space costs more. */
const NARROW = [
  'faults',
  'policies.capacity',
  'policies.queue',
  'policies.router',
  'policies.retry',
  'workload',
  'fleet',
];

async function campaign(file: string | undefined, runs: number): Promise<FuzzReport> {
  const policyFile = file === undefined ? undefined : (await loadUserPolicies(file)).file;
  const space = file === undefined ? WHOLE_SPACE : { ...WHOLE_SPACE, draw: NARROW };
  const setup = { space, seed: SEED, policyFile, invariantFile: undefined };
  const bench = await FuzzBench.make(setup);
  const pool = new FuzzPool({ setup, bench, jobs: 0 });
  return runFuzz({ pool, bench, runs, keepGoing: false, isOver: () => false });
}

function requestsOf({ workload }: ScenarioDocument): number {
  const { requests, rows } = workload as { requests?: number; rows?: number };
  return requests ?? rows ?? Infinity;
}

/** What a file of that fault is found by: the invariant, and a piece of what is said. */
const WRONG: readonly (readonly [string, RegExp])[] = [
  ['throws', /^policy router\/throws: pick threw RangeError: a tie at /],
  ['sorts', /^policy router\/sorts: pick changed what it was shown: argument \[2\]\[0\] was worker 0 /],
  ['marks', /^policy router\/marks: pick changed what it was shown: argument \[1\], counted by its members, /],
  ['one-beyond', /^policy router\/one-beyond: pick answered \d+; allowed a whole number from -2 /],
  ['clock', /^policy router\/clock: pick called Date\.now at .*; allowed now, /],
  ['crypto-dice', /^policy router\/crypto-dice: pick called crypto\.randomInt at /],
  ['no-number', /^policy retry\/no-number: delayUs answered NaN; allowed microseconds ≥ 0, finite, or -1 /],
];

describe('a policy that breaks the port', () => {
  it.each(WRONG)('is named with its method and input, below ten requests: %s', async (name, said) => {
    const { findings } = await campaign(plantedFile(folder, 'wrong', name), 384);
    const [finding] = findings;
    expect(finding?.failure.invariant).toBe('policies-keep-the-port');
    expect(finding?.failure.message).toMatch(said);
    expect(finding?.failure.input).toMatch(/^(pick|delayUs)\(\d+(\.\d+)?, request \d+, /);
    expect(requestsOf(finding?.shrunk.document ?? {})).toBeLessThan(10);
    expect(finding?.culprits.map((culprit) => culprit.name)).toEqual([name]);
  });
});

const FAULTY: readonly (readonly [string, string, number])[] = [
  ['one-too-many', 'permits-within-capacity', 10],
  ['newest-first', 'no-overtaking', 10],
  ['waits-for-ever', 'waits-bounded', 10],
  ['in-a-hurry', 'retry-after-obeyed', 10],
];

describe('a policy that breaks a promise', () => {
  it.each(FAULTY)('is found and shrunk: %s breaks %s', async (name, invariant, requests) => {
    const { findings } = await campaign(plantedFile(folder, 'faulty', name), 1024);
    const found = findings.find(({ failure }) => failure.invariant === invariant);
    expect(findings.map(({ failure }) => failure.invariant)).toContain(invariant);
    expect(requestsOf(found?.shrunk.document ?? {})).toBeLessThan(requests);
    // What bounds the capacity may be needed, too.
    expect(found?.culprits.map((culprit) => culprit.name)).toContain(name);
  });
});

describe('a drawn policy', () => {
  it('has any of its durations, whatever their pattern says', () => {
    const drawn = fc.sample(policyArbitrary('queue', policyEntries, ['fifo']), { seed: SEED, numRuns: 50 });
    const timeouts = new Set((drawn as readonly DrawnPolicy[]).map(({ timeout }) => timeout));
    expect([...timeouts].sort()).toEqual(['100ms', '10ms', '10s', '1s', '3s', undefined]);
  });
});

describe('the shipped policies', () => {
  it('keep every promise in whatever is drawn', async () => {
    const { findings, runs, marks } = await campaign(undefined, 256);
    expect(findings.map(({ failure }) => failure.message)).toEqual([]);
    expect(runs).toBe(256);
    expect(marks.retry).toBeGreaterThan(0);
  });
});
