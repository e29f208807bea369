import { describe, expect, it } from 'vitest';
import { dynamoDecodeUs, dynamoPrefillUs, DynamoTiming } from '../../../src/worker/timing/dynamo.ts';

const POOL = 16_384 * 64;
const NOTHING = { prefillJobs: 0, prefillTokens: 0, prefillContextTokens: 0, decodeJobs: 0, decodeKvTokens: 0 };

function timing(speedup = 1, decodeSpeedup = 1): DynamoTiming {
  return new DynamoTiming({ kind: 'dynamo', speedup, decodeSpeedup, poolTokens: POOL });
}

describe('the polynomials', () => {
  it.each([[512, 24.3857], [1024, 32.4907], [2048, 49.3629], [4096, 85.756], [8192, 169.1369], [16_384, 378.2779]])(
    'price a prompt of %i tokens at %d ms',
    (tokens, ms) => expect(dynamoPrefillUs(tokens) / 1000).toBeCloseTo(ms, 4),
  );

  it('price no prompt at nothing', () => expect(dynamoPrefillUs(0)).toBe(0));

  it.each([[0, 5.74], [0.1, 10.8836], [0.25, 17.63375], [0.5, 26.31], [0.75, 31.7688], [1, 34.01], [3, 34.01]])(
    'price decoding with a share of %d of the pool at %d ms',
    (ratio, ms) => expect(dynamoDecodeUs(ratio) / 1000).toBeCloseTo(ms, 4),
  );

  it('price decoding at 1 ms at least', () => expect(dynamoDecodeUs(-1)).toBe(1000));
});

describe('dynamo timing', () => {
  it('sums the two parts of a mixed pass', () => {
    const work = { ...NOTHING, prefillJobs: 2, prefillTokens: 400, decodeJobs: 2, decodeKvTokens: 400 };
    expect(timing().us(work) / 1000).toBeCloseTo(28.402755, 6);
  });

  it('divides by the speed-up, and decoding once more by its own', () => {
    const work = { ...NOTHING, prefillJobs: 1, prefillTokens: 128, decodeJobs: 1, decodeKvTokens: 128 };
    expect(timing(2, 2).us(work) / 1000).toBeCloseTo(10.662547, 6);
    expect(timing(2, 2).decodeUs(1, 129) / 1000).toBeCloseTo(1.43666, 5);
  });

  it('loses the tokens that whole-number means lose', () => {
    const work = { ...NOTHING, prefillJobs: 3, prefillTokens: 302, prefillContextTokens: 100 };
    // Means 134 and 33 make 3 · 101.
    expect(timing().us(work)).toBe(dynamoPrefillUs(303));
  });

  it('costs nothing where nothing decodes', () => {
    expect(timing().decodeUs(0, 0)).toBe(0);
    expect(timing().us({ ...NOTHING, prefillJobs: 1, prefillTokens: 8192 }) / 1000).toBeCloseTo(169.136918, 6);
  });
});
