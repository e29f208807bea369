import { describe, expect, it } from 'vitest';
import { resolveVariant } from '../../src/lab/resolve.ts';
import { runScenario } from '../../src/lab/run.ts';
import { parseScenario } from '../../src/lab/scenario.ts';

const scenario = parseScenario(
  `
name: noise
why: Cells are served for random times.
source: a test
fleet: [{count: 1, endpoint: {maxRunning: 64, service: {dist: exponential, mean: 20ms}}}]
network: {client: 0us, worker: 0us}
workload: {kind: dataset, rows: 6, columns: 4, endpoints: [{name: e, cap: 24}], prompt: 10, output: 5}
`,
  'noise.yaml',
);

async function serviceTimes(cap: number): Promise<Record<string, number>> {
  const times: Record<string, number> = {};
  const resolved = resolveVariant(scenario, 'base', { set: [`workload.endpoints.0.cap=${cap}`] });
  await runScenario(resolved, {
    onRecord: ({ row, column, startedAt, finishedAt }) => {
      times[`${row}/${column}`] = finishedAt - startedAt;
    },
  });
  return times;
}

describe('the service time of a cell', () => {
  it('does not depend on when or in which order the cells are called', async () => {
    const wide = await serviceTimes(24);
    expect(new Set(Object.values(wide)).size).toBeGreaterThan(20);
    expect(await serviceTimes(1)).toEqual(wide);
    expect(await serviceTimes(5)).toEqual(wide);
  });
});
