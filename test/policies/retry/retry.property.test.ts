import { describe, it } from 'vitest';
import { datadesigner } from '../../../policies/retry/datadesigner.ts';
import { exponential } from '../../../policies/retry/exponential.ts';
import { jittered } from '../../../policies/retry/jittered.ts';
import { noRetry } from '../../../policies/retry/none.ts';
import { openaiSdk } from '../../../policies/retry/openai-sdk.ts';
import { sglang8744 } from '../../../policies/retry/sglang-8744.ts';
import { assertRuns, POLICY_RUNS } from '../../harness/gateway-runs.ts';
import { herdProperty, type RetryClaims, retryProperty } from '../../harness/policies/retry-property.ts';

type Claims = Omit<RetryClaims, 'make'>;
const later = { retryAfter: 'later', spreads: true } as const;
const ignored = { retryAfter: 'ignored', spreads: true } as const;

/** By policy and variant, '' for the defaults. */
const particular: Record<string, Claims> = {
  exponential: { ...later, attemptsMax: 5, longestUs: 30e6 },
  'exponential smg-2026-08-07': { ...ignored, attemptsMax: 5, longestUs: 36e6 },
  jittered: { ...later, attemptsMax: 3, longestUs: 20e6 },
  'jittered aws-simulation-2015': { ...ignored, attemptsMax: 3, longestUs: 2e6 },
  'jittered grpc-a6': { ...ignored, attemptsMax: 4, longestUs: 1e6 },
  'jittered p-retry-7': { ...ignored, attemptsMax: 11, longestUs: 512e6, spreads: false },
  'openai-sdk': { retryAfter: 'exactly', spreads: true, attemptsMax: 3, longestUs: 8e6 },
  'openai-sdk retry-after-60s': { retryAfter: 'exactly', spreads: true, attemptsMax: 3, longestUs: 8e6 },
  datadesigner: { ...ignored, attemptsMax: 4, longestUs: 60e6, spreads: false },
  'datadesigner transport': { retryAfter: 'exactly', spreads: true, attemptsMax: 4, longestUs: 60e6 },
  none: { ...ignored, attemptsMax: 1, longestUs: 0, spreads: false },
  'sglang-8744': { ...ignored, attemptsMax: 3, longestUs: 15e6 },
};

const subjects = [exponential, jittered, openaiSdk, datadesigner, noRetry, sglang8744].flatMap((entry) =>
  ['', ...Object.keys(entry.variants)].map((variant) => {
    const name = `${entry.name} ${variant}`.trim();
    const settings = (entry.variants as Readonly<Record<string, object>>)[variant];
    const config = entry.config.parse({ name: entry.name, ...settings });
    const make: RetryClaims['make'] = (rng) => entry.make(config as never, { rng });
    return [name, { ...(particular[name] as Claims), make }] as const;
  }),
);
const runs = { seed: 7251730, numRuns: POLICY_RUNS, file: 'test/policies/retry/retry.property.test.ts' };

describe('every retry policy', () => {
  it.each(subjects)('keeps its attempts, bounds and Retry-After: %s', { timeout: 600_000 }, (name, claims) => {
    assertRuns(retryProperty(claims), { ...runs, title: `Retry-After: ${name}` });
  });

  it.each(subjects.filter(([, { spreads }]) => spreads))(
    'parts a crowd that failed together: %s',
    { timeout: 600_000 },
    (name, claims) => {
      assertRuns(herdProperty(claims), { ...runs, numRuns: POLICY_RUNS / 10, title: `together: ${name}` });
    },
  );
});
