import { describe, expect, it } from 'vitest';
import {
  entriesOf,
  findPolicy,
  makeBatchPolicies,
  makePolicies,
  policiesSchema,
  policyEntries,
  type PolicyEntry,
} from '../../policies/index.ts';
import { requestView, workerView } from './views.ts';

const schema = policiesSchema(policyEntries);

describe('policyEntries', () => {
  it('names each policy once in its role', () => {
    const keys = policyEntries.map(({ role, name }) => `${role} ${name}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it.each(policyEntries)('$role $name: says what it decides and its source, and has defaults', (entry) => {
    expect(entry.decides).toMatch(/\.$/);
    expect(entry.source.length).toBeGreaterThan(5);
    expect(entry.config.parse({ name: entry.name }).name).toBe(entry.name);
  });

  it('is found by role and name', () => {
    expect(entriesOf('capacity').map(({ name }) => name)).toEqual(['tiers', 'fixed', 'aimd', 'vegas', 'gradient2']);
    expect(findPolicy('retry', 'none')?.decides).toBe('Never another attempt.');
    expect(findPolicy('queue', 'exponential')).toBeUndefined();
  });
});

describe('makePolicies', () => {
  it('makes what the block names, each policy with the stream of its role', () => {
    const streams: string[] = [];
    const config = schema.parse({
      capacity: { name: 'fixed', max: 7 },
      queue: { name: 'none' },
      router: { name: 'random' },
      gates: [{ name: 'concurrency-limit', max: 1 }, { name: 'concurrency-limit' }],
      retry: { name: 'none' },
      timeouts: { request: '2s' },
    });
    const policies = makePolicies(config, (name) => {
      streams.push(name);
      return () => (name === 'router' ? 0.99 : 0);
    });
    expect(streams).toEqual(['capacity', 'rate', 'queue', 'router', 'gates/0', 'gates/1', 'retry', 'retry-budget']);
    expect(policies.capacity.current()).toBe(7);
    expect(policies.router.pick(0, requestView(), [workerView(), workerView({ index: 1 })])).toBe(1);
    expect(policies.gates.map((gate) => gate.allows(0, workerView({ inFlight: 1 })))).toEqual([false, true]);
    expect(policies.timeouts.requestUs).toBe(2e6);
  });

  it('makes what is charged and who probes only when the block names them', () => {
    const plain = makePolicies(schema.parse({}), () => () => 0);
    const charged = [plain.rate.charge(0, requestView()), plain.rate.held()];
    expect([...charged, plain.health]).toEqual([0, { charges: 0 }, undefined]);
    const limits = { tokensPerMinute: 6000, requestsPerMinute: 1 };
    const config = schema.parse({ rate: { name: 'tenant-limit', default: limits }, health: { name: 'probes' } });
    const { rate, health } = makePolicies(config, () => () => 0);
    expect([0, 1].map((id) => rate.charge(0, requestView({ id })))).toEqual([0, 60e6]);
    health?.discovered(0, [0]);
    expect([health?.nextProbeAt(), health?.status(0)]).toEqual([0, 'pending']);
  });

  it('shares no state between two sets made of one block', () => {
    const config = schema.parse({});
    const [one, other] = [makePolicies(config, () => () => 0), makePolicies(config, () => () => 0)];
    one.queue.offer(0, requestView());
    expect(other.queue.held()).toEqual({ waiting: 0, admitted: 0 });
  });

  it('makes a policy of the caller when schema and maker get the same entries', () => {
    const closed: PolicyEntry<'gate'> = {
      role: 'gate',
      name: 'none',
      decides: 'Never.',
      source: 'this test',
      config: (findPolicy('retry', 'none') as PolicyEntry).config,
      variants: {},
      make: () => ({ allows: () => false, reconsiderAt: () => Infinity }),
    };
    const entries = [...policyEntries, closed];
    const config = policiesSchema(entries).parse({ gates: [{ name: 'none' }] });
    expect(makePolicies(config, () => () => 0, entries).gates[0]?.allows(0, workerView())).toBe(false);
    expect(() => makePolicies(config, () => () => 0)).toThrow("no gate policy named 'none'");
  });
});

describe('makeBatchPolicies', () => {
  it('makes what the block names for batches, each policy with the stream of its role', () => {
    const streams: string[] = [];
    const config = schema.parse({
      tasks: { name: 'strict', submission: 3 },
      callRetry: { name: 'datadesigner', initialBackoff: '1s' },
      salvage: { name: 'rounds', roundsMax: 4 },
    });
    const batch = makeBatchPolicies(config, (name) => {
      streams.push(name);
      return () => 0;
    });
    expect(streams).toEqual(['tasks', 'admission', 'call-retry', 'salvage']);
    expect(batch.tasks.schedule([]).admission.limit('submission')).toBe(3);
    expect(batch.admission.held()).toEqual({ waiting: 0, leased: 0 });
    const failed = { outcome: 'failed', status: 503, retryAfterUs: -1, bytesSent: false } as const;
    expect(batch.retry.delayUs(0, requestView({ attemptCount: 1 }), failed)).toBe(1e6);
    expect(batch.salvage.roundsMax).toBe(4);
  });

  it('repeats no call by default: that is the business of the gateway', () => {
    const failed = { outcome: 'failed', status: 503, retryAfterUs: -1, bytesSent: false } as const;
    const { retry } = makeBatchPolicies(schema.parse({}), () => () => 0);
    expect(retry.delayUs(0, requestView({ attemptCount: 1 }), failed)).toBe(-1);
  });
});
