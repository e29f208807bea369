import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveVariant } from '../../src/lab/resolve.ts';
import { runScenario } from '../../src/lab/run.ts';
import { parseScenario } from '../../src/lab/scenario.ts';
import { runsOf } from '../arbitrary/world-spec.ts';

const SEED = 20261203;
const pick = fc.constantFrom;
const ms = (...choices: number[]) => pick(...choices.map((it) => `${it}ms`));

const selector = pick<unknown[]>(0, 1, 'all', [0, 2], { draw: 1 }, { draw: 2 }, { draw: 1, of: [1, 2] });
const load = ms(0, 20, 150);

/** Once, every so often, or at a rate; always there, or in some runs and at some begins. */
const schedule = fc
  .tuple(
    fc.record({ at: ms(0, 50, 100, 300, 700) }),
    pick<object[]>(
      {},
      {},
      { every: '300ms', times: 3 },
      { every: '260ms', times: 2, fires: 0.5 },
      { rate: 7200, until: '1200ms' },
      { active: 0.5 },
    ),
  )
  .map(([at, rest]) => ({ ...at, ...rest }));

const KINDS: readonly fc.Arbitrary<object>[] = [
  fc.record({ kind: pick('crash', 'slow', 'skew'), for: ms(30, 250) }).map((it) => {
    if (it.kind === 'slow') return { ...it, factor: 3 };
    return it.kind === 'skew' ? { ...it, behind: '80ms' } : it;
  }),
  fc.record({ kind: pick('restart'), load: ms(10, 200) }),
  fc.record({ kind: pick('hang'), for: ms(20, 250), scope: pick('process', 'engine') }),
  fc.record({ kind: pick('errors'), for: ms(100, 250), ratio: pick(0.3, 1), status: pick(429, 500, 503) }),
  fc.record({ kind: pick('rate-limit'), for: ms(100, 250), retryAfter: pick('none', '50ms') }),
  fc.record({
    kind: pick('cut'),
    for: ms(250),
    ratio: pick(0.3, 1),
    after: pick<unknown[]>(1, { dist: 'uniform', min: 1, max: 20 }),
  }),
  fc.record({
    kind: pick('partition'),
    for: ms(40, 250),
    loses: fc.subarray(['requests', 'reports', 'probes'], { minLength: 1 }),
  }),
  fc.record({ kind: pick('drain'), for: ms(250), bound: ms(0, 60, 250), load }),
];

const faults = fc.array(
  fc.tuple(fc.oneof(...KINDS), selector, schedule).map(([kind, worker, when]) => ({ ...kind, worker, ...when })),
  { minLength: 1, maxLength: 6, size: 'max' },
);
const joined = pick<unknown[]>(2, [0, 1], { draw: 1 });
const join = fc.option(fc.record({ kind: pick('join'), worker: joined, at: ms(50, 400), load }));
const stall = fc.option(
  fc.record({ kind: pick('stall'), at: ms(50, 300), for: ms(40), every: ms(200), times: pick(2, 4) }),
);

const health = pick<unknown[]>(
  undefined,
  undefined,
  { name: 'probes', interval: '50ms', timeout: '30ms', failureThreshold: 2, successThreshold: 1, drainSettle: '40ms' },
  { name: 'probes', interval: '50ms', timeout: '30ms', failureThreshold: 1, successThreshold: 1, removeFailed: true },
);

const scenario = fc
  .record({
    seed: fc.nat(1000),
    faults: fc.tuple(faults, join, stall).map(([many, ...some]) => [...many, ...some.filter((it) => it !== null)]),
    reports: fc.record({
      every: pick('40ms', '100ms'),
      delay: pick<unknown[]>('0ms', { dist: 'exponential', mean: '60ms' }),
      loss: pick(0, 0.3),
      duplicates: pick(0, 0.3),
      stamps: pick('gateway', 'worker'),
    }),
    network: pick<object[]>(
      {},
      { client: { dist: 'exponential', mean: '5ms' }, worker: { dist: 'uniform', min: '0ms', max: '9ms' } },
    ),
    health: fc.record({ detection: pick('0ms', '60ms', 'none') }),
    policies: fc.record({
      router: pick({ name: 'power-of-two' }, { name: 'least-load' }, { name: 'round-robin' }),
      retry: pick({ name: 'none' }, { name: 'exponential', maxAttempts: 4 }),
      gates: pick<object[][]>([], [{ name: 'breaker', failureThreshold: 2, openFor: '200ms' }], [{ name: 'busy' }]),
      timeouts: fc.record({ attempt: pick('400ms', 'none'), worker: pick('100ms', '2s') }),
      health,
    }),
  })
  .map((world) => ({
    ...{ name: 'any', why: 'Anything may happen.', source: 'a test' },
    fleet: [
      { count: 2, engine: { maxRunning: 8, maxBatchedTokens: 128, blocks: 40 } },
      { endpoint: { maxRunning: 2, maxWaiting: 6, service: { dist: 'exponential', mean: '60ms' } } },
    ],
    workload: {
      ...{ kind: 'open', arrivals: { process: 'poisson', rate: 60 }, requests: 50 },
      prompt: { dist: 'uniform', min: 1, max: 200 },
      output: { dist: 'uniform', min: 1, max: 30 },
      prefix: { groups: 2, tokens: 64, share: 0.5 },
    },
    limits: { drain: '10m', events: 200_000 },
    ...world,
  }));

function run(given: object, set: readonly string[] = [], fastForward = true) {
  const text = JSON.stringify(given);
  return runScenario(resolveVariant(parseScenario(text, 'any.json'), 'base', { check: true, set, fastForward }));
}

describe('any scenario with faults', () => {
  it('ends with nothing held, is the same stepped or skipped, and strikes all policies alike', async () => {
    const struck = new Map<string, number>();
    const property = fc.asyncProperty(scenario, async (given) => {
      const { result, status, held, checkpoints } = await run(given);
      expect([status, held]).toEqual(['ok', []]);
      expect(Object.values(result.held).filter((count) => count !== 0)).toEqual([]);
      const stepped = await run(given, [], false);
      expect(stepped.checkpoints).toEqual(checkpoints);
      const other = await run(given, ['policies.router={name: random}', 'policies.retry={name: none}']);
      expect(other.result.faults).toEqual(result.faults);
      expect(other.result.offered).toBe(result.offered);
      for (const { kind, windows } of result.faults ?? []) {
        struck.set(kind, (struck.get(kind) ?? 0) + Number(windows > 0));
      }
    });
    await fc.assert(property, { seed: SEED, numRuns: runsOf(60) });
    expect([...struck.keys()].sort()).toEqual([
      ...['crash', 'cut', 'drain', 'errors', 'hang', 'join', 'partition', 'rate-limit', 'restart', 'skew', 'slow'],
      'stall',
    ]);
    expect([...struck].filter(([, worlds]) => worlds < 3)).toEqual([]);
  }, 600_000);
});
