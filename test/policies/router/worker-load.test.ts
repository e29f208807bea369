/** What the reports of a worker's ranks come to, taken together. */
import { describe, expect, it } from 'vitest';
import { WorkerLoad } from '../../../policies/router/worker-load.ts';
import { loadReport } from '../views.ts';

const whole = { prefillTokens: 100, generatedTokensPerSec: 50, kvUsedBlocks: 10, kvTotalBlocks: 100 };

function loadOf(...ranks: Parameters<typeof loadReport>[0][]): WorkerLoad {
  const load = new WorkerLoad();
  for (const [rank, fields] of ranks.entries()) load.report(7, rank, loadReport(fields));
  return load;
}

const told = ({ waitingTokens, tokensPerSec, kvUsageRatio }: WorkerLoad) => [waitingTokens, tokensPerSec, kvUsageRatio];

describe('WorkerLoad', () => {
  it('adds up waiting tokens and rates, and takes the mean of the usages', () => {
    expect(told(loadOf(whole, { ...whole, prefillTokens: 1, generatedTokensPerSec: 1, kvUsedBlocks: 30 }))).toEqual([
      ...[101, 51, 0.2],
    ]);
  });

  it('counts nothing for what a rank does not report', () => {
    expect(told(loadOf(whole, {}))).toEqual([100, 50, 0.1]);
    expect(told(loadOf({}, {}))).toEqual([0, 0, 0]);
  });

  it('counts a single token, block or token per second as reported', () => {
    const least = { prefillTokens: 1, generatedTokensPerSec: 1, kvUsedBlocks: 1, kvTotalBlocks: 4 };
    expect(told(loadOf(least))).toEqual([1, 1, 0.25]);
  });

  it.each([
    ['used blocks without a total', { kvUsedBlocks: 5 }],
    ['a total without used blocks', { kvTotalBlocks: 100 }],
    ['a total of no blocks', { kvUsedBlocks: 5, kvTotalBlocks: 0 }],
  ])('leaves a rank that reports %s out of the mean usage', (_case, fields) => {
    expect(loadOf(whole, fields).kvUsageRatio).toBe(0.1);
    expect(loadOf(fields).kvUsageRatio).toBe(0);
  });

  it('replaces the last report of a rank', () => {
    const load = loadOf(whole);
    load.report(8, 0, loadReport({ ...whole, prefillTokens: 3 }));
    expect(load.waitingTokens).toBe(3);
  });

  it('is as old as its latest report, by the worker’s stamp where there is one', () => {
    expect(new WorkerLoad().reportedAt).toBe(-Infinity);
    expect(loadOf(whole).reportedAt).toBe(7);
    expect(loadOf(whole, { stampedAt: 5 }).reportedAt).toBe(5);
  });

  it('forgets ranks that exist no more, and that it was ever told when none is left', () => {
    const load = loadOf(whole, whole, whole);
    load.limitRanks(2);
    expect([load.waitingTokens, load.reportedAt]).toEqual([200, 7]);
    load.limitRanks(0);
    expect([...told(load), load.reportedAt]).toEqual([0, 0, 0, -Infinity]);
  });
});
