import { describe, expect, it } from 'vitest';
import {
  entriesOf,
  findPolicy,
  makePolicies,
  makeSalvage,
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
    expect(streams).toEqual(['capacity', 'queue', 'router', 'gates/0', 'gates/1', 'retry', 'retry-budget']);
    expect(policies.capacity.current()).toBe(7);
    expect(policies.router.pick(0, requestView(), [workerView(), workerView({ index: 1 })])).toBe(1);
    expect(policies.gates.map((gate) => gate.allows(0, workerView({ inFlight: 1 })))).toEqual([false, true]);
    expect(policies.timeouts.requestUs).toBe(2e6);
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

describe('makeSalvage', () => {
  it('makes the salvage policy the block names', () => {
    expect(makeSalvage(schema.parse({ salvage: { name: 'rounds', roundsMax: 3 } }), () => () => 0).roundsMax).toBe(3);
  });
});
