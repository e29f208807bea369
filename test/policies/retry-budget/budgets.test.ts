import { describe, expect, it } from 'vitest';
import { Budgeted } from '../../../policies/retry-budget/budgeted.ts';
import { finagleConfig, grpcConfig, ratioConfig, sreConfig } from '../../../policies/retry-budget/config.ts';
import { FinagleBudget, finagleBudget } from '../../../policies/retry-budget/finagle.ts';
import { GrpcBudget, grpcBudget } from '../../../policies/retry-budget/grpc.ts';
import { noBudget } from '../../../policies/retry-budget/none.ts';
import { RatioBudget, ratioBudget } from '../../../policies/retry-budget/ratio.ts';
import { refusalRatio, SreBudget, sreBudget } from '../../../policies/retry-budget/sre.ts';
import type { RetryBudget } from '../../../policies/retry-budget/types.ts';
import type { AttemptResult, Retry } from '../../../policies/types.ts';
import { requestView } from '../views.ts';
import { CANCELLED, FAILED, leaseOf, OK, REJECTED } from './traffic.ts';

const context = { rng: () => 0.5 };
const r = (id: number) => requestView({ id });
/** Retries allowed in a row, each of a request of its own with a long delay; at most 1000. */
function allowed(budget: RetryBudget, now: number) {
  let count = 0;
  while (count < 1000 && budget.allows(now, r(1e6 + count), 1e9)) count++;
  return count;
}

describe('finagle', () => {
  const make = (settings: object) => new FinagleBudget(finagleConfig.parse({ name: 'finagle', ...settings }));

  it('allows a reserve without any traffic', () => {
    expect(allowed(finagleBudget.make(finagleConfig.parse({ name: 'finagle' }), context), 0)).toBe(100);
    expect(allowed(make({ minRetriesPerSec: 0 }), 0)).toBe(0);
  });

  it('allows a share of the requests of the window', () => {
    const budget = make({ minRetriesPerSec: 0 });
    for (let id = 0; id < 12; id++) budget.granted(0, leaseOf(id));
    expect(allowed(budget, 9e6)).toBe(2);
    expect(allowed(budget, 12e6)).toBe(0);
  });

  it('takes no credit from retries', () => {
    const budget = make({ minRetriesPerSec: 0 });
    for (let id = 0; id < 50; id++) budget.granted(0, leaseOf(id, 2));
    expect(allowed(budget, 0)).toBe(0);
  });

  it('allows what the budget covers exactly', () => {
    const budget = make({ minRetriesPerSec: 0, retryRatio: 0.5 });
    for (let id = 0; id < 4; id++) budget.granted(0, leaseOf(id));
    expect(allowed(budget, 0)).toBe(2);
  });

  it('loses no retry to rounding', () => {
    const budget = make({ minRetriesPerSec: 0, retryRatio: 0.29 });
    for (let id = 0; id < 100; id++) budget.granted(0, leaseOf(id));
    expect(allowed(budget, 0)).toBe(29);
  });
});

describe('grpc', () => {
  const make = () => new GrpcBudget(grpcConfig.parse({ name: 'grpc' }));

  it('refuses from the fifth failure, at half of the tokens, and spends nothing on asking', () => {
    const budget = grpcBudget.make(grpcConfig.parse({ name: 'grpc' }), context);
    const answers = [1, 2, 3, 4, 5, 6].map((id) => {
      budget.settled?.(0, leaseOf(id), FAILED);
      return budget.allows(0, r(id), 0);
    });
    expect(answers).toEqual([true, true, true, true, false, false]);
  });

  it('gives a tenth of a token back for a success, exactly, and never more than it holds', () => {
    const budget = make();
    for (let id = 0; id < 50; id++) budget.settled(0, leaseOf(id), OK);
    expect(budget.tokens).toBe(10);
    for (let id = 0; id < 15; id++) budget.settled(0, leaseOf(id), FAILED);
    expect(budget.tokens).toBe(0);
    for (let id = 0; id < 50; id++) budget.settled(0, leaseOf(id), OK);
    expect([budget.tokens, budget.allows()]).toEqual([5, false]);
    budget.settled(0, leaseOf(0), OK);
    expect([budget.tokens, budget.allows()]).toEqual([5.1, true]);
  });

  it('learns nothing from a cancelled attempt or from one nobody would repeat', () => {
    const budget = make();
    budget.settled(0, leaseOf(0), FAILED);
    budget.settled(0, leaseOf(0), CANCELLED);
    budget.settled(0, leaseOf(0), REJECTED);
    expect(budget.tokens).toBe(9);
  });
});

describe('sre', () => {
  it.each([
    [0, 0, 2, 0],
    [10, 10, 2, 0],
    [10, 5, 2, 0],
    [9, 0, 2, 0.9],
    [99, 25, 2, 0.49],
    [99, 25, 1.5, 0.615],
  ])('refuses after %d requests of which %d were accepted (k %d) with chance %d', (requests, accepts, k, chance) => {
    expect(refusalRatio(requests, accepts, k)).toBeCloseTo(chance, 12);
  });

  it('draws against the chance, and draws nothing when all goes well', () => {
    const draws = [0.49, 0.51];
    const budget = sreBudget.make(sreConfig.parse({ name: 'sre' }), { rng: () => draws.shift() as number });
    expect(budget.allows(0, r(0), 0)).toBe(true);
    budget.settled?.(0, leaseOf(0), FAILED);
    // One request, none accepted: a chance of 1/2; the refused retry is a request too: 2/3.
    expect([budget.allows(0, r(0), 0), budget.allows(0, r(0), 0)]).toEqual([false, false]);
    expect(draws).toEqual([]);
  });

  it('is refused by a draw below the chance, not by one that meets it', () => {
    const draws = [0.5, 0.499];
    const budget = new SreBudget(sreConfig.parse({ name: 'sre' }), () => draws.shift() as number);
    budget.settled(0, leaseOf(0), FAILED);
    expect([budget.allows(0), budget.allows(0)]).toEqual([true, false]);
  });

  it('takes no cancelled attempt for a request, and an ok one for an accepted one whatever its status', () => {
    const chance = (ends: readonly AttemptResult[]) => {
      const budget = new SreBudget(sreConfig.parse({ name: 'sre', k: 1 }), () => 0);
      for (const end of ends) budget.settled(0, leaseOf(0), end);
      return budget.allows(0);
    };
    expect([chance([CANCELLED]), chance([{ ...OK, status: 503 }]), chance([OK, FAILED])]).toEqual([true, true, false]);
  });

  it('counts a client error as accepted, a cancelled attempt not at all, and forgets after its window', () => {
    const budget = new SreBudget(sreConfig.parse({ name: 'sre' }), () => 0.7);
    for (let id = 0; id < 9; id++) budget.settled(0, leaseOf(id), FAILED);
    expect(budget.allows(119e6)).toBe(false);
    expect(budget.allows(245e6)).toBe(true);
    for (let id = 0; id < 9; id++) budget.settled(245e6, leaseOf(id), CANCELLED);
    for (let id = 0; id < 9; id++) budget.settled(245e6, leaseOf(id), REJECTED);
    expect(budget.allows(245e6)).toBe(true);
  });
});

describe('ratio', () => {
  const make = (settings: object = {}) => new RatioBudget(ratioConfig.parse({ name: 'ratio', ...settings }));

  it('always allows three retries under way', () => {
    expect(allowed(ratioBudget.make(ratioConfig.parse({ name: 'ratio' }), context), 0)).toBe(3);
    expect(allowed(make({ minRetries: 0 }), 0)).toBe(0);
  });

  it('allows a fifth of the leases held', () => {
    const budget = make();
    for (let id = 0; id < 40; id++) budget.granted(0, leaseOf(id));
    expect(allowed(budget, 0)).toBe(8);
    expect(budget.underWay).toBe(8);
  });

  it('counts a retry from its permission until its lease is settled', () => {
    const budget = make({ minRetries: 1 });
    expect(budget.allows(0, r(7), 100)).toBe(true);
    expect(budget.allows(50, r(8), 100)).toBe(false);
    budget.granted(100, leaseOf(7, 2));
    expect(budget.allows(500, r(8), 100)).toBe(false);
    budget.settled(600, leaseOf(7, 2), FAILED);
    expect(budget.allows(600, r(8), 100)).toBe(true);
  });

  it('lets the reservation of a request that died lapse with its delay', () => {
    const budget = make({ minRetries: 1 });
    budget.allows(0, r(7), 100);
    expect(budget.allows(100, r(8), 10)).toBe(false);
    expect(budget.allows(101, r(8), 10)).toBe(true);
    expect(budget.underWay).toBe(1);
  });
});

describe('Budgeted', () => {
  const always: Retry = { delayUs: () => 5 };

  it('retries when the inner policy wants to and the budget allows it', () => {
    const budget = new GrpcBudget(grpcConfig.parse({ name: 'grpc', maxTokens: 2 }));
    const retry = new Budgeted(always, budget);
    expect(retry.delayUs(0, r(0), FAILED)).toBe(5);
    retry.settled(0, leaseOf(0), FAILED);
    expect(retry.delayUs(0, r(0), FAILED)).toBe(-1);
  });

  it('asks no budget about what is not retried', () => {
    const budget = new RatioBudget(ratioConfig.parse({ name: 'ratio' }));
    expect(new Budgeted({ delayUs: () => -1 }, budget).delayUs(0, r(0), FAILED)).toBe(-1);
    expect(budget.underWay).toBe(0);
  });

  it('tells both of every lease, the inner one first', () => {
    const heard: string[] = [];
    const listener = (name: string) => ({
      granted: () => heard.push(`${name} granted`),
      firstToken: () => heard.push(`${name} firstToken`),
      settled: () => heard.push(`${name} settled`),
    });
    const budget = { ...noBudget.make({ name: 'none' }, context), ...listener('budget'), allows: () => true };
    const retry = new Budgeted({ ...always, ...listener('inner') }, budget);
    retry.granted(0, leaseOf(0));
    retry.firstToken(0, leaseOf(0));
    retry.settled(0, leaseOf(0), OK);
    const events = ['granted', 'firstToken', 'settled'];
    expect(heard).toEqual(events.flatMap((event) => [`inner ${event}`, `budget ${event}`]));
  });

  it('tells of leases where somebody asks, and lets a retry at once be one', () => {
    const retry = new Budgeted({ delayUs: () => 0 }, { allows: () => true });
    retry.granted(0, leaseOf(0));
    retry.firstToken(0, leaseOf(0));
    retry.settled(0, leaseOf(0), FAILED);
    expect(retry.delayUs(0, r(0), FAILED)).toBe(0);
  });

  it('changes nothing under the budget none', () => {
    const retry = new Budgeted(always, noBudget.make({ name: 'none' }, context));
    for (let id = 0; id < 50; id++) expect(retry.delayUs(0, r(id), FAILED)).toBe(5);
  });
});
