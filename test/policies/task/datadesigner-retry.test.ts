import { describe, expect, it } from 'vitest';
import { datadesigner, Datadesigner, executorRepeats } from '../../../policies/retry/datadesigner.ts';
import { datadesignerConfig } from '../../../policies/retry/config.ts';
import type { AttemptResult } from '../../../policies/types.ts';
import { requestView } from '../views.ts';

const SECOND = 1e6;
const base: AttemptResult = { outcome: 'failed', status: 503, retryAfterUs: -1, bytesSent: false };

function delays(result: Partial<AttemptResult>, fields: Readonly<Record<string, unknown>> = {}, draw = 0) {
  const retry = new Datadesigner(datadesignerConfig.parse({ name: 'datadesigner', ...fields }), () => draw);
  return [1, 2, 3, 4].map((attemptCount) => retry.delayUs(0, requestView({ attemptCount }), { ...base, ...result }));
}

describe('Datadesigner', () => {
  it.each<[string, Partial<AttemptResult>, boolean]>([
    ['502', { status: 502 }, true],
    ['503', { status: 503 }, true],
    ['504', { status: 504 }, true],
    ['a broken connection', { status: 0 }, true],
    ['500', { status: 500 }, false],
    ['408', { status: 408 }, false],
    ['429', { outcome: 'refused', status: 429 }, false],
    ['a timeout', { outcome: 'timeout', status: 0 }, false],
    ['a cancelled attempt', { outcome: 'cancelled', status: 0 }, false],
    ['a reply already begun', { status: 503, bytesSent: true }, false],
  ])('after %s: another attempt is %j', (_, result, again) => {
    expect(delays(result)).toEqual(again ? [2 * SECOND, 4 * SECOND, 8 * SECOND, -1] : [-1, -1, -1, -1]);
  });

  it('asks again on 429 under no configuration', () => {
    expect(delays({ status: 429 }, { statuses: [429, 503] })).toEqual([-1, -1, -1, -1]);
  });

  it('ignores a Retry-After, the transport honours it up to its bound', () => {
    expect(delays({ retryAfterUs: 90 * SECOND })[0]).toBe(2 * SECOND);
    const transport = datadesigner.variants['transport'];
    expect(delays({ retryAfterUs: 90 * SECOND }, transport)[0]).toBe(60 * SECOND);
    expect(delays({}, transport)).toEqual([4 * SECOND, 8 * SECOND, 16 * SECOND, -1]);
    expect(delays({}, transport, 0.5)[0]).toBe(3.6 * SECOND);
  });

  it('repeats no wait for admission, whatever status it is said to have', () => {
    const kinds = ['request-admission-timeout', 'rate-limit', 'internal-server'] as const;
    expect(kinds.map((kind) => executorRepeats(kind, 503, [503]))).toEqual([false, false, true]);
  });

  it('draws only where it spreads', () => {
    const config = datadesignerConfig.parse({ name: 'datadesigner' });
    const retry = new Datadesigner(config, () => {
      throw new Error('a draw for nothing');
    });
    expect(retry.delayUs(0, requestView({ attemptCount: 1 }), base)).toBe(2 * SECOND);
  });
});
