/** Clients that retry and leave, in whole runs of scenario files. */
import { describe, expect, it } from 'vitest';
import { policyEntries } from '../../policies/index.ts';
import { clientRetry } from '../../src/lab/client-retry.ts';
import { resolveVariants } from '../../src/lab/resolve.ts';
import { runScenario } from '../../src/lab/run.ts';
import { parseScenario } from '../../src/lab/scenario.ts';
import type { RunResult } from '../../src/results/result.ts';
import type { Answer } from '../../src/workload/arrival.ts';
import { arrivalOf } from '../harness/world-builder.ts';
import { scenarioMessage, scenarioOf } from './scenario-texts.ts';

const BASE = `
name: clients
why: Clients that try again.
source: this test
fleet: [{endpoint: {maxRunning: 1, service: 100ms}}]
network: {client: 0us, worker: 0us}
workload: {kind: open, arrivals: {process: constant, rate: 1}, requests: 20, prompt: 10, output: 1}
policies:
  capacity: {name: fixed}
  queue: {name: none}
  router: {name: round-robin}
  retry: {name: none}
`;

async function runs(extra: string): Promise<Record<string, RunResult>> {
  const scenario = parseScenario(BASE + extra, 'x.yaml');
  const results: Record<string, RunResult> = {};
  for (const resolved of resolveVariants(scenario, ['base', ...scenario.variantNames], { check: true })) {
    const { result, status } = await runScenario(resolved);
    expect(status).toBe('ok');
    results[resolved.variant] = result;
  }
  return results;
}

describe('clients that retry', () => {
  it('ask as often as without, and are counted beside what they send', async () => {
    const { base } = await runs(`
faults: [{kind: errors, worker: 0, at: 0s, for: none, ratio: 1, status: 500}]
clients: {retry: {name: jittered, shape: none, initialBackoff: 10ms, multiplier: 1, maxAttempts: 3}}
`);
    expect(base).toMatchObject({ offered: 60, attempts: 60, completed: 0 });
    const clients = { asked: 20, sends: 60, ok: 0, gave_up: 20, ok_fraction: 0, amplification: 3 };
    expect(base?.clients).toEqual(clients);
  });

  it('multiply with the retries of the gateway', async () => {
    const gateway = BASE.replace('retry: {name: none}', 'retry: {name: jittered, initialBackoff: 1ms, maxAttempts: 5}');
    const scenario = parseScenario(
      `${gateway}
faults: [{kind: errors, worker: 0, at: 0s, for: none, ratio: 1, status: 500}]
clients: {retry: {name: jittered, initialBackoff: 10ms, maxAttempts: 3}}
`,
      'x.yaml',
    );
    const [resolved] = resolveVariants(scenario, ['base']);
    const { result } = await runScenario(resolved as NonNullable<typeof resolved>);
    expect(result.clients?.amplification).toBe(15);
  });

  it('get the same service whoever else was sent again', async () => {
    const drawn = BASE.replace('service: 100ms', 'service: {dist: exponential, mean: 100ms}');
    const scenario = parseScenario(
      `${drawn}
clients: {retry: {name: jittered, initialBackoff: 10ms, maxAttempts: 3}}
variants:
  first-fails: {set: {faults: [{kind: errors, worker: 0, at: 0s, for: 500ms, ratio: 1}]}}
`,
      'x.yaml',
    );
    const served = await Promise.all(
      resolveVariants(scenario, ['base', 'first-fails']).map(async (resolved) => {
        const us: number[] = [];
        await runScenario(resolved, { onRecord: ({ sentAt, finishedAt }) => us.push(finishedAt - sentAt) });
        return us;
      }),
    );
    expect(served[1]?.slice(-19)).toEqual(served[0]?.slice(-19));
  });

  it('obey the Retry-After of a worker to the letter when they are the SDK', async () => {
    const { base } = await runs(`
faults: [{kind: rate-limit, worker: 0, at: 0s, for: 1500ms, retryAfter: 4s}]
clients: {retry: {name: openai-sdk}}
windows: {again: [4s, 4001ms], later: [5s, 5001ms], first: [0s, 2s]}
`);
    expect(base?.windows?.['first']).toMatchObject({ offered: 2, completed: 0 });
    // Those refused at 0 and 1 s come back at 4 and 5 s, beside the arrivals of these instants.
    expect([base?.windows?.['again']?.offered, base?.windows?.['later']?.offered]).toEqual([2, 2]);
  });

  it('obey the Retry-After of a refusal of the gateway, fixed or drawn', async () => {
    const busy = (retryAfter: string) => `
workload: {kind: open, arrivals: {process: bursts, size: 20}, requests: 20, prompt: 10, output: 1}
clients: {retry: {name: openai-sdk}, shedRetryAfter: ${retryAfter}}
windows: {then: [2s, 2001ms], spread: [2s, 4001ms]}
`;
    const text = (retryAfter: string) => {
      const open =
        'workload: {kind: open, arrivals: {process: constant, rate: 1}, requests: 20, prompt: 10, output: 1}\n';
      const policies = 'capacity: {name: fixed, max: 1}\n  queue: {name: fifo, size: 0}';
      const shedding = BASE.replace('capacity: {name: fixed}\n  queue: {name: none}', policies).replace(open, '');
      return parseScenario(shedding + busy(retryAfter), 'x.yaml');
    };
    const run = async (retryAfter: string) => {
      const [resolved] = resolveVariants(text(retryAfter), ['base']);
      return (await runScenario(resolved as NonNullable<typeof resolved>)).result.windows;
    };
    expect((await run('2s'))?.['then']?.offered).toBe(19);
    const drawn = await run('{dist: uniform, min: 2s, max: 4s}');
    expect(drawn?.['then']?.offered).toBeLessThan(3);
    expect(drawn?.['spread']?.offered).toBeGreaterThanOrEqual(19);
  });

  it('spend one budget', async () => {
    const { base } = await runs(`
faults: [{kind: errors, worker: 0, at: 0s, for: none, ratio: 1, status: 500}]
clients:
  retry: {name: jittered, initialBackoff: 10ms, maxAttempts: 10}
  retryBudget: {name: finagle, retryRatio: 0.5, minRetriesPerSec: 0, window: 100s}
`);
    expect(base?.clients).toMatchObject({ asked: 20, sends: 30, gave_up: 20 });
  });

  it('are none of a dataset', () => {
    const dataset = 'workload: {kind: dataset, rows: 1, columns: 1, prompt: 1, output: 1}\n';
    const text = `name: x\nwhy: x.\nsource: x\nfleet: [{}]\n${dataset}clients: {}\n`;
    expect(scenarioMessage(() => scenarioOf(text))).toContain('clients: value {}; allowed no clients');
  });
});

describe('a client that leaves', () => {
  const slow = `
clientTimeout: 50ms
windows: {all: [0s, 20s]}
`;

  it('takes its work with it when the gateway hears of it, and leaves it behind when not', async () => {
    const { base, unheard } = await runs(`${slow}
variants: {unheard: {set: {clients.leave: unheard}}}
`);
    expect(base).toMatchObject({ completed: 0, attempt_outcomes: { cancelled: 20, ok: 0 } });
    expect(base?.workers[0]?.busy_fraction).toBeCloseTo(0.05, 2);
    expect(unheard).toMatchObject({ completed: 0, attempt_outcomes: { cancelled: 0, ok: 20 } });
    expect(unheard?.outcomes.client_timeout).toBe(20);
    expect(unheard?.workers[0]?.busy_fraction).toBeCloseTo(0.1, 1);
  });

  it('is a timeout to its own retry policy', async () => {
    const { base } = await runs(`${slow}
clients: {retry: {name: jittered, initialBackoff: 10ms, maxAttempts: 2}}
`);
    expect(base?.clients).toMatchObject({ asked: 20, sends: 40, gave_up: 20 });
  });
});

describe('what a client makes of an answer', () => {
  const failure = { ok: false, isLate: false, status: 0, retryAfterUs: -1 };
  it.each<[string, Partial<Answer>, boolean]>([
    ['a full queue is 429', { cause: 'queue-full' }, true],
    ['no worker is 503', { cause: 'no-worker' }, true],
    ['its own patience is 504', { cause: 'client' }, true],
    ['a deadline of the gateway is 504', { cause: 'deadline' }, true],
    ['a bad request is its own fault', { cause: 'upstream', status: 400 }, false],
    ['a broken connection is 500', { cause: 'upstream' }, true],
    ['success is the end', { ok: true, cause: 'none' }, false],
  ])('%s', (_what, answer, again) => {
    const retry = { name: 'jittered', shape: 'none', initialBackoff: 7, maxBackoff: 7, multiplier: 1, maxAttempts: 2 };
    const config = { retry: { ...retry, retryAfter: 'honour' }, retryBudget: { name: 'none' } };
    const rule = clientRetry(config, () => () => 0, policyEntries);
    const ask = { id: 0, arrival: arrivalOf(), sends: 1 };
    rule.sent(0, ask);
    expect(rule.answered(5, ask, { ...failure, cause: 'none', ...answer })).toBe(again ? 7 : -1);
  });
});
