/** Blocks told side by side: several workloads at once, and a worker with a quota, from text to result. */
import { describe, expect, it } from 'vitest';
import { resolveVariants } from '../../src/lab/resolve.ts';
import { runScenario } from '../../src/lab/run.ts';
import { MINIMAL, scenarioMessage, scenarioOf } from './scenario-texts.ts';

const HEAD = 'name: x\nwhy: Why.\nsource: a test\n';
const NIGHT = `${HEAD}
fleet: [{endpoint: {maxRunning: 16, service: 1s}}]
workload:
  kind: mix
  of:
    - {kind: open, name: chat, arrivals: {process: constant, rate: 2}, duration: 60s, prompt: 100, output: 10}
    - {kind: closed, name: night, from: 20s, users: 40, requests: 200, prompt: 900, output: 90}
policies: {capacity: {name: fixed}, queue: {name: none}}
windows:
  quiet: {from: 0s, to: 19s, tenant: chat}
  night: {from: 20s, to: 30s, tenant: chat}
  batch: {from: 0s, to: 2m, tenant: night}
`;

async function resultOf(text: string) {
  const [resolved] = resolveVariants(scenarioOf(text), ['base']);
  return (await runScenario(resolved as NonNullable<typeof resolved>)).result;
}

describe('a mixed workload in a scenario', () => {
  it('has each part from its begin, under its name as tenant', async () => {
    const { windows, offered } = await resultOf(NIGHT);
    expect(offered).toBe(120 + 200);
    expect(windows?.['batch']).toMatchObject({ offered: 200, completed: 200 });
    expect(windows?.['quiet']?.p99_e2el_ms).toBeLessThan(1010);
    // 40 users on 16 places: a chat request waits for a round and a half of them.
    expect(windows?.['night']?.p99_e2el_ms).toBeGreaterThan(2000);
  });

  it('refuses two parts of one name, and a part without an end', () => {
    const twice = scenarioMessage(() => scenarioOf(NIGHT.replace('name: night', 'name: chat')));
    expect(twice).toContain('workload.of.1.name: value "chat"; allowed each name once');
    const endless = scenarioMessage(() => scenarioOf(NIGHT.replace('duration: 60s, ', '')));
    expect(endless).toContain('workload.of.0.duration: missing; allowed a duration or a number of requests');
  });
});

describe('a quota in a scenario', () => {
  const LIMITED = `${HEAD}
fleet: [{endpoint: {maxRunning: 99, service: 10ms}, quota: {requests: 5, per: 10s}}]
workload: {kind: open, arrivals: {process: constant, rate: 1}, duration: 30s, prompt: 1, output: 1}
policies: {retry: {name: none}}
`;

  it('lets so many through in each window', async () => {
    const { completed, offered } = await resultOf(LIMITED);
    expect([completed, offered]).toEqual([15, 30]);
  });

  it('is part of the world, so that another one is another world', () => {
    const hash = (text: string) => resolveVariants(scenarioOf(text), ['base'])[0]?.worldHash;
    expect(hash(LIMITED)).not.toBe(hash(LIMITED.replace('requests: 5', 'requests: 6')));
  });

  it('refuses a window without a length', () => {
    const told = scenarioMessage(() => scenarioOf(LIMITED.replace('per: 10s', 'per: 0s')));
    expect(told).toContain('fleet.0.quota.per: value "0s"; allowed a duration of at least 1us');
  });
});

describe('words that people write', () => {
  it('may be a duration of several units, one thing that a partition loses, a number that was reported', () => {
    const text = `${MINIMAL}
faults: [{kind: partition, worker: 0, at: 1m30s, for: 2m, loses: reports}]
variants: {before: {set: {}}, after: {set: {}}}
symptoms: [{what: requests, path: failed, reported: 81}]
`;
    expect(scenarioOf(text).base.symptoms[0]?.reported).toBe('81');
    const [base] = resolveVariants(scenarioOf(text), ['base']);
    expect(base?.config.faults[0]).toMatchObject({ at: 90e6, loses: ['reports'] });
  });

  it('need quotes where a comma is in them, and the message says so', () => {
    const text = `${MINIMAL}expect: [{path: failed, equals: 0, because: it is well, and idle}]\n`;
    expect(scenarioMessage(() => scenarioOf(text))).toContain('unknown key (a text with a comma in it needs quotes)');
  });
});
