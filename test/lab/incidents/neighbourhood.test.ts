import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { timesDuration, timesNumber } from '../../../src/lab/incidents/document-numbers.ts';
import { neighbour } from '../../../src/lab/incidents/neighbourhood.ts';

const document = {
  name: 'near',
  fleet: [{ count: 4, endpoint: { maxRunning: 16, maxWaiting: 0, service: { dist: 'normal', mean: '2s', sd: '1s' } } }],
  workload: { kind: 'open', arrivals: { process: 'poisson', rate: 20 }, duration: '60s', prompt: 100, output: 10 },
  faults: [{ kind: 'errors', worker: [2, 3], at: '10s', for: '5s', every: '20s', ratio: 0.9, status: 500 }],
  policies: { queue: { name: 'fifo', size: 64 } },
} as const;
const moved = (index: number, seed = 1) => neighbour(document, seed, index) as typeof document & { seed: number };

describe('The neighbourhood of a scenario', () => {
  it('is the same for the same seed and draw, and another for another', () => {
    expect(moved(3)).toEqual(moved(3));
    expect(moved(3)).not.toEqual(moved(4));
    expect(moved(3)).not.toEqual(moved(3, 2));
  });

  it('moves what the world is by at most a factor of two, and leaves policies, indices and kinds', () => {
    fc.assert(
      fc.property(fc.nat(10_000), (index) => {
        const { fleet, workload, faults, policies } = moved(index);
        expect(policies).toEqual(document.policies);
        expect(fleet[0].count).toBeGreaterThanOrEqual(2);
        expect(fleet[0].count).toBeLessThanOrEqual(8);
        expect(fleet[0].endpoint.maxWaiting).toBe(0);
        expect(workload.arrivals.rate).toBeGreaterThanOrEqual(10);
        expect(workload.arrivals.rate).toBeLessThanOrEqual(40);
        expect(faults[0]).toMatchObject({ worker: [2, 3], kind: 'errors', status: 500 });
        expect(faults[0].ratio).toBeLessThanOrEqual(1);
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it('never lengthens the load, and keeps a fault shorter than its interval', () => {
    const seconds = (text: string): number => Number.parseFloat(text);
    fc.assert(
      fc.property(fc.nat(10_000), (index) => {
        const { workload, faults } = moved(index);
        expect(seconds(workload.duration)).toBeLessThanOrEqual(60);
        expect(seconds(faults[0].for)).toBeLessThan(seconds(faults[0].every));
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});

describe('A number of a document', () => {
  it('stays whole where it was, and at least 1', () => {
    expect([timesNumber(3, 0.1), timesNumber(0, 2), timesNumber(5, 1.5), timesNumber(0.3, 2)]).toEqual([1, 0, 8, 0.6]);
  });

  it('keeps its unit when it is a duration, and is left alone when it is none', () => {
    const times = [timesDuration('50ms', 0.5), timesDuration('1.5s', 2), timesDuration('none', 2)];
    expect(times).toEqual(['25ms', '3s', 'none']);
  });
});
