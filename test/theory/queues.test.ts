/**
 * Queues with known answers, built of the parts every scenario uses. Each figure of theory must lie in the two-sided
 * 99 % confidence interval (Student's t, 19 degrees of freedom) of 20 independent replications, seeds 1 to 20; of
 * each the first 2,000 requests are warm-up and do not count. Arrivals Poisson, service mean 10 ms, no latency, no
 * host costs.
 */
import { describe, expect, it } from 'vitest';
import type { Distribution } from '../../src/kernel/distribution.ts';
import { sampler } from '../../src/kernel/distribution.ts';
import { Keyed } from '../../src/kernel/rng.ts';
import type { RequestRecord } from '../../src/results/record.ts';
import { DEFAULT_TENANTS, type OpenWorkloadConfig } from '../../src/workload/config.ts';
import { endpoint, runWorld, SEC, type FinishedWorld, type WorldSpec } from '../harness/world-builder.ts';

const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1);
const T_99 = 2.861;
const REQUESTS = 12_000;
const WARM_UP = 2_000;
const SERVICE_US = 10_000;

const EXPONENTIAL: Distribution = { dist: 'exponential', mean: SERVICE_US, min: 0, max: 3600 * SEC };
const CONSTANT: Distribution = { dist: 'constant', value: SERVICE_US };

interface QueueCase {
  readonly name: string;
  readonly servers: number;
  readonly load: number;
  readonly serviceUs: Distribution;
  /** Mean wait in units of the mean service time. */
  readonly wait: number;
}

const QUEUES: readonly QueueCase[] = [
  { name: 'M/M/1', servers: 1, load: 0.5, serviceUs: EXPONENTIAL, wait: 0.5 / (1 - 0.5) },
  { name: 'M/M/1', servers: 1, load: 0.8, serviceUs: EXPONENTIAL, wait: 0.8 / (1 - 0.8) },
  { name: 'M/M/4', servers: 4, load: 0.8, serviceUs: EXPONENTIAL, wait: erlangC(4, 0.8) / (4 * (1 - 0.8)) },
  // Pollaczek–Khinchine without variance of service.
  { name: 'M/D/1', servers: 1, load: 0.7, serviceUs: CONSTANT, wait: 0.7 / (2 * (1 - 0.7)) },
];

describe('Queues of theory', () => {
  for (const queue of QUEUES) {
    it(`${queue.name} at the worker has the waits of theory (ρ=${queue.load})`, () => {
      const runs = SEEDS.map((seed) => measure(runWorld(atWorker(queue, seed)), queue, seed));
      const service = SERVICE_US;
      expectInside('mean wait', runs.map((run) => run.waitUs), queue.wait * service);
      expectInside('mean in system', runs.map((run) => run.sojournUs), (queue.wait + 1) * service);
      expectInside('utilisation', runs.map((run) => run.utilisation), queue.load);
    });
  }

  for (const queue of [QUEUES[1] as QueueCase, QUEUES[2] as QueueCase]) {
    it(`${queue.name} at the gateway has every instant of ${queue.name} at the worker (ρ=${queue.load})`, () => {
      const there = runWorld(atWorker(queue, 1));
      const here = runWorld(atGateway(queue, 1));
      expect(byId(here.records)).toEqual(byId(there.records));
    });
  }

  it('a fifo queue at the gateway before four workers of one slot has the waits of M/M/4 (ρ=0.8)', () => {
    const queue = QUEUES[2] as QueueCase;
    const waits = SEEDS.map((seed) => {
      const { records } = runWorld(atGateway(queue, seed + SEEDS.length));
      return mean(counted(records).map((record) => record.startedAt - record.arrivedAt));
    });
    expectInside('mean wait', waits, queue.wait * SERVICE_US);
  });
});

/** One worker with as many slots as the queue has servers; nobody waits at the gateway. */
function atWorker(queue: QueueCase, seed: number): WorldSpec {
  return {
    seed,
    check: false,
    workers: [endpoint({ maxRunning: queue.servers, serviceUs: queue.serviceUs })],
    workload: arrivals(queue),
  };
}

/** As many workers of one slot; everyone waits at the gateway. */
function atGateway(queue: QueueCase, seed: number): WorldSpec {
  const worker = endpoint({ serviceUs: queue.serviceUs, maxWaiting: 0 });
  return {
    seed,
    check: false,
    workers: Array.from({ length: queue.servers }, () => worker),
    workload: arrivals(queue),
    policies: {
      capacity: { name: 'fixed', max: queue.servers },
      queue: { name: 'fifo', size: REQUESTS, timeout: 'none' },
      gates: [{ name: 'concurrency-limit', max: 1 }],
    },
  };
}

function arrivals({ servers, load }: QueueCase): OpenWorkloadConfig {
  return {
    kind: 'open',
    arrivals: { process: 'poisson', ratePerSec: (servers * load * SEC) / SERVICE_US },
    prompt: { dist: 'constant', value: 1 },
    output: { dist: 'constant', value: 1 },
    prefix: undefined,
    tenants: DEFAULT_TENANTS,
    requests: REQUESTS,
    durationUs: Infinity,
  };
}

function measure(run: FinishedWorld, queue: QueueCase, seed: number) {
  expect(run.state).toBe('done');
  const endedAt = run.world.endedAt;
  const [worker] = run.world.workerFacts();
  const inSystem = ((worker?.runningMean ?? 0) + (worker?.waitingMean ?? 0)) * endedAt;
  const sojourns = run.records.reduce((sum, record) => sum + record.finishedAt - record.sentAt, 0);
  // Little's law, L = λW, holds on every run, not just in the mean: both sides are one area.
  expect(Math.abs(inSystem / sojourns - 1)).toBeLessThan(1e-9);

  const keyed = new Keyed(seed, 'endpoint/service');
  const draw = sampler(queue.serviceUs, keyed.draw);
  const serviceUs = (record: RequestRecord): number => {
    keyed.at(record.id, 1);
    return draw();
  };
  const records = counted(run.records);
  const sojournUs = mean(records.map((record) => record.finishedAt - record.sentAt));
  return {
    sojournUs,
    waitUs: sojournUs - mean(records.map(serviceUs)),
    utilisation: (worker?.runningMean ?? 0) / queue.servers,
  };
}

function counted(records: readonly RequestRecord[]): RequestRecord[] {
  return records.filter((record) => record.id >= WARM_UP);
}

/** Two requests that end in one microsecond may do so in either order. */
function byId(records: readonly RequestRecord[]) {
  return records.map(({ id, sentAt, finishedAt }) => ({ id, sentAt, finishedAt })).sort((a, b) => a.id - b.id);
}

function expectInside(what: string, replications: readonly number[], theory: number): void {
  const centre = mean(replications);
  const variance = replications.reduce((sum, x) => sum + (x - centre) ** 2, 0) / (replications.length - 1);
  const half = T_99 * Math.sqrt(variance / replications.length);
  const text = `${what}: theory ${theory.toPrecision(5)}, measured ${centre.toPrecision(5)} ± ${half.toPrecision(2)}`;
  if (process.env['SPILLWAY_FIGURES'] !== undefined) console.log(text);
  expect(Math.abs(theory - centre), text).toBeLessThanOrEqual(half);
  // An interval that holds everything shows nothing.
  expect(half / theory, text).toBeLessThan(0.1);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Probability that all `servers` are busy. */
function erlangC(servers: number, load: number): number {
  const offered = servers * load;
  let blocking = 1;
  for (let c = 1; c <= servers; c++) blocking = (offered * blocking) / (c + offered * blocking);
  return blocking / (1 - load * (1 - blocking));
}
