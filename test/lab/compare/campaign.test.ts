import { describe, expect, it } from 'vitest';
import { gridArms, variantArms } from '../../../src/lab/compare/arms.ts';
import { type CampaignOptions, type RunStore, runCampaign } from '../../../src/lab/compare/campaign.ts';
import { metricAt } from '../../../src/lab/compare/metrics.ts';
import type { ResolvedScenario } from '../../../src/lab/resolve.ts';
import { RunPool } from '../../../src/lab/run-pool.ts';
import { parseScenario } from '../../../src/lab/scenario.ts';
import type { RunResult } from '../../../src/results/result.ts';

const scenario = parseScenario(
  `
name: small
why: A test.
source: a test
seed: 7
fleet: [{count: 1, endpoint: {maxRunning: 2, service: {dist: exponential, mean: 20ms}}}]
workload: {kind: open, arrivals: {process: poisson, rate: 50}, prompt: 10, output: 5, requests: 40}
policies: {capacity: {name: fixed, max: 2}}
variants: {wide: {set: {policies.capacity.max: 8}}}
`,
  'small.yaml',
);

const ARMS = variantArms(['base', 'wide'], []);
const options = (over: Partial<CampaignOptions> = {}): CampaignOptions => ({
  pool: new RunPool({ jobs: 1 }),
  firstSeed: 7,
  seeds: 3,
  metrics: [metricAt('mean_ttft_ms')],
  ...over,
});
const digests = (arms: readonly { readonly results: readonly RunResult[] }[]) =>
  arms.map(({ results }) => results.map(({ digest }) => digest));

describe('a campaign', () => {
  it('runs every arm under the same seeds', async () => {
    const { arms, seeds, differences, ended } = await runCampaign(scenario, ARMS, options());
    expect([seeds, ended]).toEqual([[7, 8, 9], 'all seeds']);
    expect(arms.map(({ results }) => results.map(({ seed, variant }) => `${variant} ${seed}`))).toEqual([
      ['base 7', 'base 8', 'base 9'],
      ['wide 7', 'wide 8', 'wide 9'],
    ]);
    expect(new Set(digests(arms).flat()).size).toBe(6);
    expect(differences[0]?.pairs).toBe(3);
  });

  it('runs again only what is not kept, and ends the same', async () => {
    const kept = new Map<string, RunResult>();
    const keyOf = (world: ResolvedScenario) => `${world.variant} ${world.config.seed}`;
    let saves = 0;
    const store: RunStore = {
      load: (world) => kept.get(keyOf(world)),
      save: (world, _, result) => {
        saves++;
        kept.set(keyOf(world), result);
      },
    };
    const whole = await runCampaign(scenario, ARMS, options({ store }));
    expect(saves).toBe(6);
    kept.delete('base 8');
    const again = await runCampaign(scenario, ARMS, options({ store }));
    expect(saves).toBe(7);
    expect(again).toEqual(whole);
  });

  it('stops at whole seeds when it is told to, and keeps what it ran', async () => {
    const abort = new AbortController();
    let runs = 0;
    const pool = new RunPool({
      jobs: 1,
      abort: abort.signal,
      pause: () => {
        if (++runs === 4) abort.abort();
        return Promise.resolve();
      },
    });
    const { seeds, ended, arms } = await runCampaign(scenario, ARMS, options({ pool }));
    expect([seeds, ended]).toEqual([[7, 8], 'interrupted']);
    expect(arms.map(({ results }) => results.length)).toEqual([2, 2]);
  });

  it('stops after a batch once every interval is narrow enough, not before', async () => {
    const wide = await runCampaign(scenario, ARMS, options({ seeds: 25, untilHalfWidth: 1 }));
    expect([wide.seeds.length, wide.ended]).toEqual([10, 'half-width reached']);
    const narrow = await runCampaign(scenario, ARMS, options({ seeds: 12, untilHalfWidth: 1e-9 }));
    expect([narrow.seeds.length, narrow.ended]).toEqual([12, 'all seeds']);
  });

  it('refuses to compare runs that do not end', async () => {
    const arms = variantArms(['base', 'wide'], ['limits.events=50']);
    await expect(runCampaign(scenario, arms, options())).rejects.toThrow(/base, seed 7: unfinished: .*allowed runs/);
  });
});

describe('a grid', () => {
  it('is every combination, the last path varying fastest', () => {
    const arms = gridArms(
      'base',
      ['fleet.0.count=1,2', 'policies.queue={name: fifo, size: 3},{name: none}'],
      ['seed=4'],
    );
    expect(arms.map(({ name }) => name)).toEqual([
      'fleet.0.count=1 policies.queue={name: fifo, size: 3}',
      'fleet.0.count=1 policies.queue={name: none}',
      'fleet.0.count=2 policies.queue={name: fifo, size: 3}',
      'fleet.0.count=2 policies.queue={name: none}',
    ]);
    expect(arms[0]?.set).toEqual(['seed=4', 'fleet.0.count=1', 'policies.queue={name: fifo, size: 3}']);
  });

  it.each([
    ['fleet.0.count', '--grid: value "fleet.0.count"; allowed path=value,value such as fleet.0.count=4,8,16'],
    ['a=1,,2', '--grid: value "a=1,,2"; allowed path=value,value such as fleet.0.count=4,8,16'],
    ['a=1,1', '--grid a: 1 is there twice; allowed once'],
    [`a=${Array.from({ length: 1001 }, (_, i) => i).join(',')}`, '--grid: 1001 points; allowed at most 1000'],
  ])('is refused when it cannot be meant: %s', (text, message) => {
    expect(() => gridArms('base', [text], [])).toThrow(message);
  });
});
