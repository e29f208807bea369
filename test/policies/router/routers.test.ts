import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PowerOfTwo, powerOfTwo } from '../../../policies/router/power-of-two.ts';
import type { PowerOfTwoConfig } from '../../../policies/router/config.ts';
import { Random } from '../../../policies/router/random.ts';
import { RoundRobin } from '../../../policies/router/round-robin.ts';
import type { WorkerView } from '../../../policies/types.ts';
import { requestView, scripted, workerView } from '../views.ts';

const SEED = 7251730;
const LAST_DRAW = 1 - 2 ** -53;
const fleet = (count: number) => Array.from({ length: count }, (_, index) => workerView({ index }));

describe('RoundRobin', () => {
  it('takes turns over the candidates of the moment', () => {
    const router = new RoundRobin();
    const picks = [3, 3, 3, 3, 2, 2].map((count) => router.pick(0, requestView(), fleet(count)));
    expect(picks).toEqual([0, 1, 2, 0, 0, 1]);
  });
});

describe('Random', () => {
  it('maps its draw to a candidate', () => {
    const router = new Random(scripted(0, 0.34, LAST_DRAW));
    expect([0, 0, 0].map(() => router.pick(0, requestView(), fleet(3)))).toEqual([0, 1, 2]);
  });
});

describe('PowerOfTwo', () => {
  const config: PowerOfTwoConfig = { name: 'power-of-two', reportMaxAge: 30e6, withoutReports: 'in-flight' };
  const historic = powerOfTwo.variants['smg-2026-08-07-http'] as Partial<PowerOfTwoConfig>;
  const busy = { inFlight: 9 };
  const idle = { inFlight: 1 };
  const full = { reportedAt: 0, reportedKvUsageRatio: 0.9 };
  const empty = { reportedAt: 0, reportedKvUsageRatio: 0.1 };

  /** Draws candidate 0 first, 1 second. */
  function pick(first: Partial<WorkerView>, second: Partial<WorkerView>, now = 0, fields = {}) {
    const router = new PowerOfTwo({ ...config, ...fields }, scripted(0, 0));
    return router.pick(now, requestView(), [workerView(first), workerView({ index: 1, ...second })]);
  }

  it.each([
    ['the emptier KV cache, whatever is in flight', { ...full, ...idle }, { ...empty, ...busy }, 1],
    ['the first drawn on equal usage', { ...full, ...busy }, { ...full, ...idle }, 0],
    ['fewer in flight when one report is missing', { ...empty, ...busy }, idle, 1],
    ['the first drawn on equal counts', { ...full, ...idle }, idle, 0],
    ['fewer in flight when usage is not in the report', { ...busy, reportedAt: 0 }, { ...idle, ...full }, 1],
  ])('takes %s', (_case, first, second, picked) => {
    expect(pick(first, second)).toBe(picked);
  });

  it('disregards a report older than reportMaxAge', () => {
    expect(pick({ ...full, ...idle }, { ...empty, ...busy }, 30e6)).toBe(1);
    expect(pick({ ...full, ...idle }, { ...empty, ...busy }, 30e6 + 1)).toBe(0);
    expect(pick({ ...full, ...idle }, { ...empty, ...busy }, 30e6 + 1, { reportMaxAge: Infinity })).toBe(1);
  });

  it('ages a report from when it came, and takes a usage of none for a report', () => {
    const at = { reportedAt: 100e6 };
    expect(pick({ ...full, ...idle, ...at }, { ...empty, ...busy, ...at }, 130e6)).toBe(1);
    expect(pick({ ...full, ...idle }, { ...busy, reportedAt: 0, reportedKvUsageRatio: 0 })).toBe(1);
  });

  it.each([
    [[0, 0], [0, 1]],
    [[0, 0.49], [0, 1]],
    [[0, 0.5], [0, 2]],
    [[0, LAST_DRAW], [0, 2]],
    [[0.5, 0], [1, 2]],
    [[0.5, 0.5], [1, 0]],
    [[LAST_DRAW, 0], [2, 0]],
    [[LAST_DRAW, LAST_DRAW], [2, 1]],
  ])('draws of %j compare candidates %j of three', (draws, [first, second]) => {
    const among = (emptiest: number | undefined) => {
      const candidates = [0, 1, 2].map((index) => workerView({ index, inFlight: index === emptiest ? 0 : 1 }));
      return new PowerOfTwo(config, scripted(...draws)).pick(0, requestView(), candidates);
    };
    const third = [0, 1, 2].find((index) => index !== first && index !== second);
    expect([among(first), among(second), among(third)]).toEqual([first, second, first]);
  });

  it('takes the first drawn without reports (smg-2026-08-07-http)', () => {
    expect(pick(busy, idle, 0, historic)).toBe(0);
  });

  it('takes a lone candidate without drawing', () => {
    expect(new PowerOfTwo(config, scripted()).pick(0, requestView(), fleet(1))).toBe(0);
  });

  it('compares two different candidates and never takes the more loaded', () => {
    const draw = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
    const counts = fc.array(fc.nat({ max: 5 }), { minLength: 2, maxLength: 9 });
    const property = fc.property(counts, draw, draw, (inFlight, a, b) => {
      const candidates = inFlight.map((count, index) => workerView({ index, inFlight: count }));
      const picked = new PowerOfTwo(config, scripted(a, b)).pick(0, requestView(), candidates);
      const first = Math.floor(a * inFlight.length);
      expect(inFlight[picked]).toBeLessThanOrEqual(inFlight[first] as number);
      const fullest = inFlight.indexOf(Math.max(...inFlight));
      const unique = inFlight.filter((count) => count === inFlight[fullest]).length === 1;
      if (unique) expect(picked).not.toBe(fullest);
    });
    fc.assert(property, { seed: SEED, numRuns: 1000 });
  });
});
