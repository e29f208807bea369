import { describe, expect, it } from 'vitest';
import { sglang8744Config } from '../../../policies/retry/config.ts';
import { additiveBackoffMs, Sglang8744 } from '../../../policies/retry/sglang-8744.ts';
import { attemptResult, requestView } from '../views.ts';

const CONFIG = sglang8744Config.parse({ name: 'sglang-8744' });
const LAST_DRAW = 1 - 2 ** -53;

describe('Sglang8744', () => {
  it('adds whole milliseconds below half the base', () => {
    const settings = { initialMs: 100, maxMs: 10000, multiplier: 2 };
    expect([1, 3, 5, 20].map((retry) => additiveBackoffMs(settings, retry))).toEqual([
      { base: 100, jitterBelow: 50 },
      { base: 400, jitterBelow: 200 },
      { base: 1600, jitterBelow: 800 },
      { base: 10000, jitterBelow: 5000 },
    ]);
    const delay = (draw: number) => new Sglang8744(CONFIG, () => draw).delayUs(0, requestView(), attemptResult());
    expect([0, 0.5, LAST_DRAW].map(delay)).toEqual([100e3, 125e3, 149e3]);
  });

  it.each([
    [500, 1, true],
    [501, 1, true],
    [599, 1, true],
    [0, 1, true],
    [429, 1, false],
    [408, 1, false],
    [503, 3, false],
  ])('given status %d after attempt %d, retries: %s', (status, attemptCount, retries) => {
    const delay = new Sglang8744(CONFIG, () => 0).delayUs(0, requestView({ attemptCount }), attemptResult({ status }));
    expect(delay >= 0).toBe(retries);
  });

  it('never repeats an attempt after bytes were sent', () => {
    const policy = new Sglang8744(CONFIG, () => 0);
    expect(policy.delayUs(0, requestView(), attemptResult({ bytesSent: true }))).toBe(-1);
  });
});
