import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { variantArms } from '../../src/lab/compare/arms.ts';
import { type Campaign, runCampaign } from '../../src/lab/compare/campaign.ts';
import { metricAt } from '../../src/lab/compare/metrics.ts';
import { RunPool } from '../../src/lab/run-pool.ts';
import { parseScenario } from '../../src/lab/scenario.ts';
import { comparisonPage } from '../../src/report/comparison-page.ts';

const SEEDS = 4;
const scenario = parseScenario(
  `
name: compared
why: A <b>test</b>.
source: a test
fleet: [{count: 1, endpoint: {maxRunning: 2, service: {dist: exponential, mean: 20ms}}}]
workload: {kind: open, arrivals: {process: poisson, rate: 50}, prompt: 10, output: 5, requests: 40}
policies: {capacity: {name: fixed, max: 2}}
variants: {wide: {set: {policies.capacity.max: 8}}}
`,
  'compared.yaml',
);
const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64');
const RUN = { command: 'spillway compare x', nodeVersion: 'v0', warmUp: 'None.' };
const about = { title: 'compared', why: scenario.why, ...RUN };

async function campaignOf(metrics: readonly string[]): Promise<Campaign> {
  const pool = new RunPool({ jobs: 1 });
  const options = { pool, firstSeed: 1, seeds: SEEDS, metrics: metrics.map(metricAt) };
  return runCampaign(scenario, variantArms(['base', 'wide'], []), options);
}

describe('the page of a comparison', () => {
  it('draws a dot for each seed of each metric that moved, and names the others', async () => {
    const page = comparisonPage(await campaignOf(['mean_ttft_ms', 'failed']), about, sha256);
    expect(page.match(/class="dot"/g)).toHaveLength(SEEDS);
    expect(page.match(/<figure>/g)).toHaveLength(1);
    expect(page).toContain('Equal in every seed: requests failed.');
  });

  it('marks the setting that differs, and names every run by its digest', async () => {
    const campaign = await campaignOf(['mean_ttft_ms']);
    const page = comparisonPage(campaign, about, sha256);
    expect(page).toContain('<th scope="row">capacity.max</th><td class="differs">2</td><td class="differs">8</td>');
    for (const { results } of campaign.arms) for (const { digest } of results) expect(page).toContain(digest);
  });

  it('has no script, lets nothing in but its own style, and takes no markup from a scenario', async () => {
    const page = comparisonPage(await campaignOf(['mean_ttft_ms']), about, sha256);
    const [, style = ''] = /<style>(.*)<\/style>/s.exec(page) ?? [];
    expect(page).toContain(`default-src 'none'; style-src 'sha256-${sha256(style)}'`);
    expect(page).not.toMatch(/<script|<b>|\sstyle=|https?:/);
  });

  it('is the same for the same runs', async () => {
    const [first, second] = [await campaignOf(['p99_ttft_ms']), await campaignOf(['p99_ttft_ms'])];
    expect(comparisonPage(first, about, sha256)).toBe(comparisonPage(second, about, sha256));
  });
});
