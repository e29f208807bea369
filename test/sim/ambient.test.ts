/** The runtime trap: while a world runs, whoever asks the machine for time, chance or a timer is caught. */
/* eslint-disable no-restricted-globals, no-restricted-properties, no-restricted-syntax -- a trap names its prey */
import { datasetOf } from '../harness/dataset-shape.ts';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { buildWorld, engine, endpoint, finish, MS, repeated, reportsEvery, SEC } from '../harness/world-builder.ts';

const TIMERS = ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'] as const;

function trap(name: string): () => never {
  return () => {
    throw new Error(`${name} was called during a run`);
  };
}

function trapEverything(): void {
  for (const name of TIMERS) vi.stubGlobal(name, trap(name));
  vi.spyOn(Date, 'now').mockImplementation(trap('Date.now'));
  vi.stubGlobal('Date', class extends Date {
    constructor(...given: []) {
      super(...given);
      if (given.length === 0) trap('new Date')();
    }
    static override now = trap('Date.now');
  });
  vi.spyOn(performance, 'now').mockImplementation(trap('performance.now'));
  vi.spyOn(Math, 'random').mockImplementation(trap('Math.random'));
  vi.spyOn(crypto, 'randomUUID').mockImplementation(trap('crypto.randomUUID'));
  vi.spyOn(crypto, 'getRandomValues').mockImplementation(trap('crypto.getRandomValues'));
  vi.spyOn(process, 'hrtime').mockImplementation(trap('process.hrtime'));
  vi.spyOn(process, 'nextTick').mockImplementation(trap('process.nextTick'));
  vi.spyOn(Intl, 'DateTimeFormat').mockImplementation(trap('Intl.DateTimeFormat'));
}

function release(): void {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
}

const FAULTS = [
  { kind: 'crash', at: 50 * MS, forUs: 60 * MS, worker: 0 },
  { kind: 'slow', at: 30 * MS, forUs: 80 * MS, worker: 1, factor: 3 },
  { kind: 'errors', at: 0, forUs: 1 * SEC, worker: 1, ratio: 0.2, status: 503, retryAfterUs: 4 * MS },
  ...repeated({ kind: 'stall', host: 'gateway', at: 20 * MS, forUs: 15 * MS } as const, 40 * MS, 4),
] as const;

function world(seed: number) {
  return {
    seed,
    workers: [
      engine(),
      endpoint({ maxRunning: 2, serviceUs: { dist: 'lognormal', mean: 9 * MS, cv: 1, min: 0, max: SEC } }),
    ],
    reports: reportsEvery(5 * MS),
    detectionUs: 4 * MS,
    clientTimeoutUs: 200 * MS,
    faults: FAULTS,
    policies: {
      queue: { name: 'fifo', size: 20, timeout: '40ms' },
      capacity: { name: 'tiers' },
      router: { name: 'power-of-two' },
      retry: { name: 'exponential', initialBackoff: '2ms' },
    },
  } as const;
}

describe('the trap', () => {
  afterEach(release);

  it('catches what it is set for', () => {
    trapEverything();
    const timer = () => setTimeout(() => undefined, 1);
    const caught = [Date.now, () => new Date(), Math.random, () => performance.now(), timer];
    try {
      for (const call of caught) expect(call).toThrow('was called during a run');
      expect(new Date(0).getTime()).toBe(0);
    } finally {
      release();
    }
  });

  it('catches no world, from its making to its last event', () => {
    const open = {
      kind: 'open',
      arrivals: { process: 'gamma', ratePerSec: 400, cv: 2 },
      prompt: { dist: 'lognormal', mean: 20, cv: 1, min: 1, max: 100 },
      output: { dist: 'gamma', mean: 10, cv: 1, min: 0, max: 60 },
      prefix: { groups: 3, tokens: 16, share: 0.5, blockTokens: 4 },
      tenants: [{ name: 'a', weight: 1, priority: 0 }],
      requests: 200,
      durationUs: Infinity,
    } as const;
    const closed = { ...open, kind: 'closed', users: 5, rampUs: 0, thinkUs: { dist: 'constant', value: MS } } as const;
    const dataset = datasetOf({
      rows: 20,
      columns: ['a', 'b'],
      cap: 30,
      promptTokens: { dist: 'normal', mean: 20, sd: 5, min: 1, max: 50 },
      outputTokens: { dist: 'uniform', min: 1, max: 20 },
    });
    const ended: string[] = [];
    const digests: string[] = [];
    trapEverything();
    try {
      for (const source of [{ workload: open }, { workload: closed }, { dataset }]) {
        const run = finish(buildWorld({ ...world(3), ...source }));
        run.world.workerFacts();
        run.recorder.outcomes();
        ended.push(run.state);
        digests.push(run.world.journal.digest.value());
      }
    } finally {
      release();
    }
    expect(ended).toEqual(['done', 'done', 'done']);
    expect(new Set(digests).size).toBe(3);
  });
});
