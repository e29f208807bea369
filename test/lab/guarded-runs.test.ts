/** Shipped policies under guard: their answers pass, and a run goes as it would without. */
import { describe, expect, it } from 'vitest';
import { entriesOf, makeBatchPolicies, makePolicies, policiesSchema, policyEntries } from '../../policies/index.ts';
import type { BatchPolicies, PolicyEntry } from '../../policies/index.ts';
import { DatasetCore } from '../../src/dataset/dataset-core.ts';
import { DATASET_SETTINGS } from '../../src/dataset/settings.ts';
import type { ColumnPlan, DatasetPlan } from '../../src/dataset/types.ts';
import { stream } from '../../src/kernel/rng.ts';
import { guardedEntry } from '../../src/lab/guarded-policy.ts';
import { runOnCpu } from '../harness/dataset-cpu-host.ts';
import { FAILED, GatewayDriver, OK, REFUSED } from '../harness/gateway-driver.ts';

const guarded: readonly PolicyEntry[] = policyEntries.map(guardedEntry);
const schema = policiesSchema(policyEntries);
const streamFor = (name: string) => stream(7, name);

type Block = Readonly<Record<string, unknown>>;

/** Twelve requests on two workers, one of which fails; everything the gateway asked for. */
function gatewayRun(block: Block, entries: readonly PolicyEntry[], permits: number): string[] {
  const { queue, rate, router, gates, retry } = makePolicies(schema.parse(block), streamFor, entries);
  const driver = new GatewayDriver({ ...{ queue, rate, router, gates, retry }, workers: 2, permits });
  const lines: string[] = [];
  for (let step = 0; step < 12; step++) {
    const now = step * 1000;
    lines.push(...driver.report(now, step % 2));
    const keys = { prefixKey: step % 3, routingKey: `key ${step % 2}`, blockHashes: [step] };
    lines.push(...driver.arrive(now, step, keys));
    const running = driver.attempts.filter((attempt) => attempt.state === 'running');
    for (const { id, worker } of running.slice(0, 2)) {
      lines.push(...driver.firstToken(now, id));
      lines.push(...driver.end(now, id, [OK, worker.index === 0 ? FAILED : REFUSED][step % 2] ?? OK));
    }
  }
  lines.push(...driver.wake(100e6));
  return lines;
}

function batchRun({ admission, tasks, retry, salvage }: BatchPolicies): readonly unknown[] {
  const columns = ['a', 'b'].map((name): ColumnPlan => {
    const generator = { kind: 'model', identity: ['p', 'm', 'chat'], weight: 4, columns: [name] } as const;
    return { name, dependsOn: name === 'b' ? ['a'] : [], generator, extent: 'cells', prepares: false };
  });
  const plan: DatasetPlan = {
    columns,
    rowGroups: [{ id: 0, rows: 20 }],
    endpoints: [{ provider: 'p', model: 'm', alias: 'x', limit: 4 }],
  };
  const core = new DatasetCore(plan, DATASET_SETTINGS.spillway, { admission, tasks, retry, salvage });
  const costs = { selectionUs: 10, bookkeepingUs: 5, queuedUs: 1, startUs: 3 };
  return [runOnCpu(core, 1000, costs), core.counts(), core.observed(), core.held()];
}

describe('a shipped policy under guard', () => {
  it.each((['queue', 'rate', 'router', 'gate', 'retry', 'retry-budget'] as const).flatMap((role) => {
    return entriesOf(role).map((entry) => [role, entry.name] as const);
  }))('%s %s: leads the gateway as without', (role, name) => {
    const key = role === 'retry-budget' ? 'retryBudget' : role;
    const block = role === 'gate' ? { gates: [{ name }] } : { [key]: { name } };
    // The priority scheduler keeps its first places for classes that nobody asks for here.
    const permits = name === 'priority' ? 400 : 3;
    const lines = gatewayRun(block, policyEntries, permits);
    expect(lines.length).toBeGreaterThan(12);
    expect(gatewayRun(block, guarded, permits)).toEqual(lines);
  });

  it.each(['bounded-borrow', 'strict'])('leads a batch as without, with tasks %s', (name) => {
    const config = schema.parse({ tasks: { name } });
    const run = batchRun(makeBatchPolicies(config, streamFor, policyEntries));
    expect(run[1]).toMatchObject({ rowsCompleted: 20 });
    expect(batchRun(makeBatchPolicies(config, streamFor, guarded))).toEqual(run);
  });
});
