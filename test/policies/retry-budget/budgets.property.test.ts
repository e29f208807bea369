import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FinagleBudget } from '../../../policies/retry-budget/finagle.ts';
import { GrpcBudget } from '../../../policies/retry-budget/grpc.ts';
import { RatioBudget } from '../../../policies/retry-budget/ratio.ts';
import { requestView } from '../views.ts';
import { FAILED, leaseOf, OK } from './traffic.ts';

const SEED = 7251730;
const RATIO = 0.2;

type Step = { kind: 'request' | 'retry' | 'settle' | 'start'; us: number };
const steps = fc.array(
  fc.record({
    kind: fc.constantFrom<Step['kind'][]>('request', 'request', 'retry', 'settle', 'start'),
    us: fc.constantFrom(0, 0, 1, 7, 60),
  }),
  { maxLength: 120, size: 'max' },
);

function within(times: readonly number[], from: number, to: number) {
  return times.filter((at) => at > from && at <= to).length;
}

describe('finagle', () => {
  it('allows at most its reserve and share in any window, whatever the traffic', () => {
    const [windowUs, reserve] = [100, 2];
    const property = fc.property(steps, (plan: Step[]) => {
      const config = { name: 'finagle' as const, retryRatio: RATIO, minRetriesPerSec: reserve * 1e4, window: windowUs };
      const budget = new FinagleBudget(config);
      const [requests, retries]: [number[], number[]] = [[], []];
      let now = 0;
      for (const { kind, us } of plan) {
        now += us;
        if (kind === 'request') {
          budget.granted(now, leaseOf(requests.length));
          requests.push(now);
        } else if (budget.allows(now)) {
          retries.push(now);
          // Credit reaches back by a window and at most a slice more.
          const credit = reserve + RATIO * within(requests, now - windowUs * 1.1, now);
          expect(within(retries, now - windowUs, now)).toBeLessThanOrEqual(credit + 1e-9);
        }
      }
    });
    fc.assert(property, { seed: SEED, numRuns: 150 });
  });
});

describe('ratio', () => {
  it('never has more retries under way than its share of the leases at that moment, or its minimum', () => {
    const minRetries = 2;
    const property = fc.property(steps, (plan: Step[]) => {
      const budget = new RatioBudget({ name: 'ratio', retryRatio: RATIO, minRetries });
      const [first, running, delayed]: [number[], number[], number[]] = [[], [], []];
      let [now, id] = [0, 0];
      for (const { kind, us } of plan) {
        now += us;
        if (kind === 'request') {
          budget.granted(now, leaseOf(id));
          first.push(id++);
        } else if (kind === 'retry') {
          const most = Math.max(minRetries, Math.ceil(RATIO * (first.length + running.length)));
          if (!budget.allows(now, requestView({ id }), 1e6)) continue;
          delayed.push(id++);
          expect(running.length + delayed.length).toBeLessThanOrEqual(most);
        } else if (kind === 'start') {
          const started = delayed.shift();
          if (started === undefined) continue;
          budget.granted(now, leaseOf(started, 2));
          running.push(started);
        } else {
          const [over, over2] = [first.shift(), running.shift()];
          if (over !== undefined) budget.settled(now, leaseOf(over), OK);
          if (over2 !== undefined) budget.settled(now, leaseOf(over2, 2), FAILED);
        }
        expect(budget.underWay).toBe(running.length + delayed.length);
      }
    });
    fc.assert(property, { seed: SEED, numRuns: 150 });
  });
});

describe('grpc', () => {
  it('keeps its tokens between nothing and the maximum, and allows only above the half', () => {
    const property = fc.property(fc.array(fc.boolean(), { maxLength: 200, size: 'max' }), (outcomes) => {
      const budget = new GrpcBudget({ name: 'grpc', maxTokens: 4, tokenRatio: 0.3 });
      let tokens = 4;
      for (const ok of outcomes) {
        budget.settled(0, leaseOf(0), ok ? OK : FAILED);
        tokens = ok ? Math.min(4, tokens + 0.3) : Math.max(0, tokens - 1);
        expect(budget.tokens).toBeCloseTo(tokens, 9);
        expect(budget.allows()).toBe(budget.tokens > 2);
      }
    });
    fc.assert(property, { seed: SEED, numRuns: 100 });
  });
});
