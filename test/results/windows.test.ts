import { describe, expect, it } from 'vitest';
import type { Slo } from '../../src/results/recorder.ts';
import { WindowTallies, type WindowResult } from '../../src/results/windows.ts';
import { recordOf } from './samples.ts';

const SLO: Slo = { ttftUs: 150_000, tpotUs: Infinity, e2eUs: Infinity };
const MS = 1000;

function tallied(from: number, to: number, ...records: Parameters<typeof recordOf>[0][]): WindowResult {
  const tallies = new WindowTallies([{ name: 'it', from, to }], SLO);
  for (const record of records) tallies.request(recordOf(record));
  return tallies.results()['it'] as WindowResult;
}

describe('WindowTallies', () => {
  it('counts a request in the window it was sent in, its end excluded, whenever it ends', () => {
    const at = (sentAt: number) => ({ sentAt, firstTokenAt: sentAt + 1, finishedAt: sentAt + 1000 * MS });
    expect(tallied(10 * MS, 20 * MS, at(10 * MS - 1), at(10 * MS), at(20 * MS - 1), at(20 * MS)).offered).toBe(2);
  });

  it('tells good from completed and from failed, with rates over the length of the window', () => {
    const late = { firstTokenAt: 160 * MS };
    const lost = { reason: 'failed', firstTokenAt: -1, attempts: 3 } as const;
    const { p99_ttft_ms: p99, p99_e2el_ms: p99OfAll, ...rest } = tallied(0, 500 * MS, {}, late, lost);
    expect(p99).toBeCloseTo(159.41, 9);
    expect(p99OfAll).toBe(201);
    expect(rest).toEqual({
      offered: 3,
      completed: 2,
      failed: 1,
      good_request_fraction: 1 / 3,
      request_goodput: 2,
      attempts: 5,
      amplification: 5 / 3,
      in_flight_mean: (3 * 201) / 500,
      granted_mean: (3 * 198) / 500,
      median_ttft_ms: 130.5,
      median_e2el_ms: 201,
      max_e2el_ms: 201,
    });
  });

  it('has in flight whoever is in the system in the window, sent before it or over after it', () => {
    const inside = { sentAt: 30 * MS, finishedAt: 40 * MS };
    const across = { sentAt: 0, finishedAt: 1000 * MS };
    const before = { sentAt: 0, finishedAt: 20 * MS };
    const after = { sentAt: 120 * MS, finishedAt: 130 * MS };
    expect(tallied(20 * MS, 120 * MS, inside, across, before, after).in_flight_mean).toBeCloseTo(1.1, 12);
    const late = { ...across, startedAt: 70 * MS };
    const never = { ...across, startedAt: -1 };
    expect(tallied(20 * MS, 120 * MS, late, never)).toMatchObject({ in_flight_mean: 2, granted_mean: 0.5 });
  });

  it('counts one tenant alone when it is that tenant’s', () => {
    const tallies = new WindowTallies([{ name: 'it', from: 0, to: MS, tenant: 'acme' }], SLO);
    for (const tenant of ['acme', 'other', 'acme', '']) tallies.request(recordOf({ tenant }));
    expect(tallies.results()['it']).toMatchObject({ offered: 2, in_flight_mean: 2 });
  });

  it('takes the end of a reply that comes whole for its first token', () => {
    expect(tallied(0, MS, { firstTokenAt: -1, finishedAt: 90 * MS }).median_ttft_ms).toBe(90);
  });

  it('has no ratio and no latency of nothing', () => {
    expect(tallied(0, MS)).toMatchObject({
      ...{ offered: 0, request_goodput: 0, in_flight_mean: 0 },
      ...{ good_request_fraction: null, amplification: null, median_ttft_ms: null, max_e2el_ms: null },
      p99_e2el_ms: null,
    });
  });
});
