/**
 * Small random worlds in which everything can happen at once: few workers with little memory, instants on a coarse
 * grid so that faults, deadlines and replies coincide, patience shorter than service. Every world can drain: who
 * waits for a worker waits for a bounded time, and what keeps a dataset's rows for ever ends. The bounds of events
 * and of drain are far above what any of them needs and keep a failing one short.
 */
import fc from 'fast-check';
import type { DatasetConfig, HostCosts, ReportsConfig, WorkerConfig } from '../../src/sim/config.ts';
import type { Latency } from '../../src/sim/network.ts';
import type { DisaggregatedConfig } from '../../src/worker/disaggregated/disaggregated-config.ts';
import type { DynamoEngineConfig } from '../../src/worker/dynamo/dynamo-engine-config.ts';
import type { EndpointConfig } from '../../src/worker/endpoint.ts';
import type { EngineConfig } from '../../src/worker/engine-config.ts';
import type { SglangConfig } from '../../src/worker/sglang/sglang-config.ts';
import type { ClosedWorkloadConfig, OpenWorkloadConfig, ShapeConfig } from '../../src/workload/config.ts';
import { DEFAULT_TENANTS } from '../../src/workload/config.ts';
import { datasetOf, type DatasetShape } from '../harness/dataset-shape.ts';
import { FREE_HOST, MS, SEC, type WorldSpec } from '../harness/world-builder.ts';
import { faultsOf } from './faults.ts';

/** Plain data: two worlds of one spec share nothing. */
export type PlainWorldSpec = WorldSpec & { readonly workload: OpenWorkloadConfig | ClosedWorkloadConfig | undefined };

const pick = fc.constantFrom;
const upTo = (max: number, min = 0) => fc.integer({ min, max });

const engineConfig: fc.Arbitrary<EngineConfig> = fc
  .record({
    model: fc.constant('engine' as const),
    maxRunning: upTo(4, 1),
    maxBatchedTokens: pick(4, 16, 64, 64),
    blocks: pick(32, 48, 64, 160),
    blockTokens: pick(1, 2, 4, 16),
    maxModelTokens: pick(Infinity, Infinity, Infinity, 50),
    maxWaiting: pick(Infinity, Infinity, 0, 2),
    chunkedPrefill: pick(true, true, true, false),
    prefixCache: fc.boolean(),
    timing: fc.record({
      kind: fc.constant('affine' as const),
      baseUs: pick(1, 1000, 2000),
      perTokenUs: pick(0, 0.5, 50),
      perKvTokenUs: pick(0, 0.25, 3),
    }),
  })
  // Drawn as tokens: a pool of two or three sequences, so that some must give way.
  .map((it) => ({ ...it, blocks: Math.floor(it.blocks / it.blockTokens) }))
  // Without chunks a preempted sequence must still fit one pass, generated tokens included.
  .map((it) => (it.chunkedPrefill ? it : { ...it, maxModelTokens: it.maxBatchedTokens }));

const rankedConfig: fc.Arbitrary<EngineConfig> = fc
  .tuple(engineConfig, fc.boolean())
  .map(([config, lockStep]) => ({ ...config, ranks: 2, lockStep }));

/** A byte a token: a prompt takes as long as some passes, or none. */
const disaggregatedConfig: fc.Arbitrary<DisaggregatedConfig> = fc.record({
  model: fc.constant('disaggregated' as const),
  prefill: fc.array(engineConfig, { minLength: 1, maxLength: 2, size: 'max' }),
  decode: fc.array(engineConfig, { minLength: 1, maxLength: 2, size: 'max' }),
  link: fc.record({
    bytesPerUs: pick(0.002, 0.02, 1000),
    latencyUs: pick(0, 300),
    concurrentMax: pick(1, 2, Infinity),
    waitingMax: pick(0, Infinity, Infinity),
    timeoutUs: pick(4 * MS, 40 * MS),
    bytesPerToken: fc.constant(1),
    sends: pick('all', 'missing'),
  }),
  firstToken: pick('decode', 'prefill'),
});

const sglangConfig: fc.Arbitrary<SglangConfig> = fc
  .record({ engine: engineConfig, page: pick(1, 2, 4), order: pick('fifo', 'lpm'), mixedChunk: fc.boolean() })
  .map(({ engine, page, order, mixedChunk }) => ({
    model: 'sglang',
    maxRunning: engine.maxRunning,
    blocks: Math.max(4, Math.floor((engine.blocks * engine.blockTokens) / page)),
    blockTokens: page,
    maxModelTokens: engine.maxModelTokens,
    maxWaiting: engine.maxWaiting,
    prefixCache: engine.prefixCache,
    order,
    maxPrefillTokens: engine.maxBatchedTokens,
    chunkedPrefillTokens: engine.chunkedPrefill ? 16 : Infinity,
    clipNewTokens: 8,
    conservativeness: 0.3,
    reservation: 'prompt',
    mixedChunk,
    timing: engine.timing,
  }));

const dynamoConfig: fc.Arbitrary<DynamoEngineConfig> = fc
  .record({ engine: engineConfig, semantics: pick('dynamo', 'trtllm'), preemption: pick('lifo', 'fifo') })
  .map(({ engine, semantics, preemption }) => ({
    model: 'dynamo',
    semantics,
    maxRunning: engine.maxRunning,
    maxBatchedTokens: engine.maxBatchedTokens,
    blocks: Math.max(12, Math.floor((engine.blocks * engine.blockTokens) / 4)),
    blockTokens: 4,
    maxModelTokens: semantics === 'dynamo' ? engine.maxModelTokens : Infinity,
    maxWaiting: engine.maxWaiting,
    chunkedPrefill: engine.chunkedPrefill,
    prefixCache: engine.prefixCache,
    preemption,
    ranks: 1,
    timing: engine.timing,
  }));

const endpointConfig: fc.Arbitrary<EndpointConfig> = fc.record({
  model: fc.constant('endpoint' as const),
  maxRunning: upTo(3, 1),
  maxWaiting: pick(Infinity, 0, 2),
  serviceUs: pick(
    { dist: 'constant', value: 3 * MS },
    { dist: 'constant', value: 0 },
    { dist: 'exponential', mean: 4 * MS, min: 0, max: SEC },
  ),
});

const anyWorker: fc.Arbitrary<WorkerConfig> = fc.oneof(
  { weight: 4, arbitrary: engineConfig },
  { weight: 2, arbitrary: endpointConfig },
  { weight: 2, arbitrary: disaggregatedConfig },
  { weight: 1, arbitrary: rankedConfig },
  { weight: 1, arbitrary: sglangConfig },
  { weight: 1, arbitrary: dynamoConfig },
);

const shape: fc.Arbitrary<ShapeConfig> = fc.record({
  prompt: pick({ dist: 'uniform', min: 1, max: 40 }, { dist: 'constant', value: 12 }),
  output: pick({ dist: 'uniform', min: 0, max: 25 }, { dist: 'constant', value: 9 }, { dist: 'constant', value: 1 }),
  prefix: fc.option(
    fc.record({ groups: upTo(3, 1), tokens: pick(4, 16), share: pick(0.5, 1), blockTokens: pick(2, 4) }),
    { nil: undefined },
  ),
  tenants: fc.constant(DEFAULT_TENANTS),
});

const requests = { requests: upTo(40, 1), durationUs: fc.constant(Infinity) };

const openWorkload: fc.Arbitrary<OpenWorkloadConfig> = fc
  .tuple(
    shape,
    fc.record({
      ...requests,
      arrivals: pick<OpenWorkloadConfig['arrivals'][]>(
        { process: 'poisson', ratePerSec: 300 },
        { process: 'poisson', ratePerSec: 3000 },
        { process: 'constant', ratePerSec: 500 },
        { process: 'bursts', ratePerSec: 100, burstSize: 8, everyUs: 10 * MS, firstAt: 500 },
      ),
    }),
  )
  .map(([given, bounds]) => ({ kind: 'open', ...given, ...bounds }));

const closedWorkload: fc.Arbitrary<ClosedWorkloadConfig> = fc
  .tuple(
    shape,
    fc.record({
      ...requests,
      users: upTo(5, 1),
      thinkUs: pick({ dist: 'constant', value: 0 }, { dist: 'exponential', mean: 2 * MS, min: 0, max: SEC }),
      rampUs: pick(0, 5 * MS),
    }),
  )
  .map(([given, bounds]) => ({ kind: 'closed', ...given, ...bounds }));

const dataset: fc.Arbitrary<DatasetConfig> = fc
  .record({
    rows: upTo(6, 1),
    rowGroup: pick(1, 2, 100),
    rowGroupsMax: pick(1, 3),
    columns: pick<NonNullable<DatasetShape['columns']>>(['a'], ['a', 'b', 'c'], ['a', { name: 'b', needs: ['a'] }]),
    cap: pick(1, 3, 100),
    host: pick(FREE_HOST, { ...FREE_HOST, selectionUs: 700, bookkeepingUs: 300, queuedUs: 5, startUs: 100 }),
    promptTokens: pick({ dist: 'uniform', min: 1, max: 40 } as const),
    outputTokens: pick({ dist: 'uniform', min: 0, max: 25 } as const),
  })
  .map(datasetOf);

const latency = (fixedUs: readonly number[], maxUs: number): fc.Arbitrary<Latency> =>
  pick<Latency[]>(...fixedUs, ...fixedUs, { dist: 'uniform', min: 0, max: maxUs });

const reports: fc.Arbitrary<ReportsConfig> = fc.record({
  // Four workers' reports leave the slowest host time for other things.
  everyUs: pick(Infinity, 6 * MS, 10 * MS),
  delayUs: latency([0], 25 * MS),
  lossRatio: pick(0, 0, 0.4, 1),
  duplicateRatio: pick(0, 0, 0.5),
  stamps: pick('gateway', 'worker'),
});

const health = fc.option(
  fc.record({
    name: fc.constant('probes' as const),
    interval: pick('4ms', '9ms'),
    timeout: pick('1ms', '6ms'),
    failureThreshold: upTo(2, 1),
    successThreshold: upTo(2, 1),
    concurrencyMax: pick(1, 128),
    drainSettle: pick('0s', '5ms'),
    removeFailed: fc.boolean(),
    startStatus: pick('pending', 'ready'),
    pendingCap: pick('on-failure', 'always'),
    failed: pick('recovers', 'terminal'),
  }),
  { nil: undefined, freq: 2 },
);

const host: fc.Arbitrary<HostCosts> = fc.oneof(
  fc.constant(FREE_HOST),
  fc.record({
    inputUs: pick(0, 1, 100, 700),
    selectionUs: pick(0, 3.3, 200),
    bookkeepingUs: pick(0, 50),
    queuedUs: pick(0, 0.5, 40),
    startUs: pick(0, 100),
    resolutionUs: pick(0, 0, 15_625 / 16_384, 50),
  }),
);

const policies = fc.record({
  capacity: pick(
    { name: 'fixed', max: 1 },
    { name: 'fixed', max: 4 },
    { name: 'fixed' },
    { name: 'tiers', slotsPerWorker: 2 },
  ),
  queue: pick(
    { name: 'none' },
    { name: 'none' },
    { name: 'fifo', size: 0 },
    { name: 'fifo', size: 2, timeout: '3ms' },
    { name: 'fifo', size: 50, timeout: '7ms' },
    { name: 'fifo', size: 50, timeout: 'none' },
  ),
  router: pick({ name: 'round-robin' }, { name: 'random' }, { name: 'power-of-two' }, { name: 'least-load' }),
  gates: pick([], [{ name: 'concurrency-limit', max: 1 }], [{ name: 'concurrency-limit', max: 3 }]),
  retry: pick(
    { name: 'none' },
    { name: 'exponential', maxAttempts: 3, initialBackoff: '1ms', maxBackoff: '4ms', jitterFactor: 0 },
    { name: 'exponential', maxAttempts: 6, initialBackoff: '1ms', jitterFactor: 0.5 },
  ),
  tasks: pick(
    { name: 'bounded-borrow' },
    { name: 'bounded-borrow', variant: 'baseline', submission: 4 },
    { name: 'strict', requestLimits: 'none', dispatchYield: 'none' },
  ),
  admission: pick({ name: 'aimd' }, { name: 'aimd', waitTimeout: '6ms', cooldown: '3ms' }),
  callRetry: pick({ name: 'none' }, { name: 'datadesigner', initialBackoff: '1ms' }),
  salvage: pick(
    { name: 'rounds', roundsMax: 1, preserve: ['queue-timeout', 'rate-limited', 'queue-full'], preserveStarts: 20 },
    { name: 'rounds', preserveFor: '1s' },
    { name: 'rounds', variant: 'baseline', preserveStarts: 9 },
  ),
  timeouts: fc.record({
    request: pick('none', 'none', '4ms', '25ms'),
    attempt: pick('none', 'none', '3ms', '12ms'),
    worker: pick('0us', '2ms', '20ms'),
  }),
  health,
});

const quota = fc.record({
  requests: upTo(8, 1),
  perUs: pick(2 * MS, 15 * MS),
  retryAfterUs: pick(undefined, -1, 3 * MS),
});

/** Any world of these parts, with every invariant checked after every event. */
export const worldSpec: fc.Arbitrary<PlainWorldSpec> = fc
  .record({
    seed: upTo(1_000_000),
    fleet: fc
      .array(anyWorker, { minLength: 1, maxLength: 4, size: 'max' })
      .chain((workers) => {
        const quotas = fc.array(fc.option(quota, { nil: undefined, freq: 5 }), { maxLength: workers.length });
        return fc.record({ workers: fc.constant(workers), quotas, faults: faultsOf(workers.length) });
      }),
    network: fc.record({ clientUs: latency([0, 100, 1500], 2 * MS), workerUs: latency([0, 70, 1000], 2 * MS) }),
    reports,
    detectionUs: pick(0, 2 * MS, Infinity),
    clientTimeoutUs: pick(Infinity, Infinity, Infinity, Infinity, 50, 12 * MS),
    host,
    policies,
    source: fc.oneof(
      { weight: 3, arbitrary: openWorkload },
      { weight: 2, arbitrary: closedWorkload },
      { weight: 2, arbitrary: dataset },
    ),
  })
  .map(({ source, fleet, ...rest }): PlainWorldSpec => {
    const isDataset = !('kind' in source);
    return {
      ...rest,
      ...fleet,
      dataset: isDataset ? source : undefined,
      workload: isDataset ? undefined : source,
      limits: { drainUs: 20 * SEC, eventsMax: 30_000, warmupUs: 0 },
      check: true,
    };
  });

/** Runs of a property: `SPILLWAY_RUNS` times as many as in CI when set. */
export function runsOf(base: number): number {
  return Math.round(base * Number(process.env['SPILLWAY_RUNS'] ?? 1));
}
