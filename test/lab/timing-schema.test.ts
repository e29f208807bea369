import { describe, expect, it } from 'vitest';
import type { EngineConfig } from '../../src/worker/engine-config.ts';
import { resolveVariant } from '../../src/lab/resolve.ts';
import { MINIMAL, scenarioMessage, scenarioOf } from './scenario-texts.ts';

function withTiming(text: string): string {
  return MINIMAL.replace('count: 2', `count: 2\n    engine: {blocks: 100, timing: ${text}}`);
}

function timingOf(text: string): EngineConfig['timing'] {
  return (resolveVariant(scenarioOf(withTiming(text))).config.workers[0] as EngineConfig).timing;
}

const TABLE = [
  '{kind: table, prefill: {floor: 1ms, knots: {512: 4ms, 64: 2ms}},',
  'decode: {kvTokens: [0, 100], times: {8: [3ms, 4ms], 1: [1ms, 2ms]}}}',
].join(' ');

describe('the timing block', () => {
  it('is affine with the documented defaults when nothing is said', () => {
    const affine = { kind: 'affine', baseUs: 10_700, perTokenUs: 33.7, perKvTokenUs: 0.0856 };
    expect(timingOf('{}')).toEqual(affine);
    expect(timingOf('{kind: affine}')).toEqual(affine);
    expect(timingOf('{perMixedKvToken: 150ns}')).toEqual({ ...affine, perMixedKvTokenUs: 0.15 });
  });

  it('gives dynamo the pool that its decoding is a share of', () => {
    const config = { kind: 'dynamo', speedup: 2, decodeSpeedup: 1, poolTokens: 1600 };
    expect(timingOf('{kind: dynamo, speedup: 2, decodeSpeedup: 0}')).toEqual(config);
  });

  it('sorts the points of a table', () => {
    expect(timingOf(TABLE)).toEqual({
      kind: 'table',
      prefill: { floorUs: 1000, knots: [[64, 2000], [512, 4000]], perContextTokenUs: 0 },
      decode: { jobs: [1, 8], kvTokens: [0, 100], us: [[1000, 2000], [3000, 4000]] },
      experts: undefined,
    });
  });

  it('takes the expert term of a mixture', () => {
    const text = TABLE.replace(/}$/, ', experts: {total: 128, perToken: 4, all: 2ms}}');
    expect(timingOf(text)).toMatchObject({ experts: { total: 128, perToken: 4, us: 2000 } });
  });
});

const EXAMPLES = "'10.7ms', '33.7us' or '85.6ns'";

/** [the block, the end of the message] */
const WRONG: readonly (readonly [string, string])[] = [
  ['{kind: affin}', "kind: value \"affin\"; allowed affine, dynamo, table (did you mean 'affine'?)"],
  ['{base: 0us, perToken: 0us}', 'base: value "0us"; allowed base plus perToken of at least 1us: time must pass'],
  ['{base: 5}', `base: value 5; allowed a duration with its unit of up to an hour, such as ${EXAMPLES}`],
  ['{kind: dynamo, speedup: -1}', 'speedup: value -1; allowed a number from 0 to 1000000'],
  ['{kind: dynamo, base: 5ms}', 'base: unknown key; allowed kind, speedup, decodeSpeedup'],
  [
    TABLE.replace('512: 4ms', '512: 1ms'),
    'prefill.knots.512: value "1ms"; allowed at least that of 64 tokens (2000us)',
  ],
  [TABLE.replace('{512: 4ms, 64: 2ms}', '{}'), 'prefill.knots: value {}; allowed at least 1 entry'],
  [TABLE.replace('512: 4ms', 'x: 4ms'), 'prefill.knots.x: name "x"; allowed a whole number from 1 to 999999999'],
  [TABLE.replace('[0, 100]', '[100, 100]'), 'decode.kvTokens.1: value 100; allowed more than the one before (100)'],
  [
    TABLE.replace('[3ms, 4ms]', '[3ms]'),
    'decode.times.8: value ["3ms"]; allowed 2 durations, one for each of kvTokens',
  ],
  [TABLE.replace('3ms,', '0us,'), 'decode.times.8.0: value "0us"; allowed more than 0us: time must pass'],
  [
    TABLE.replace(/}$/, ', experts: {total: 4, perToken: 8, all: 2ms}}'),
    'experts.perToken: value 8; allowed at most total (4)',
  ],
];

describe('a wrong timing block', () => {
  it.each(WRONG)('is refused with path, value and range: %s', (text, message) => {
    const said = scenarioMessage(() => scenarioOf(withTiming(text)));
    expect(said.split('\n')[0]).toMatch(/^x\.yaml:6:\d+ fleet\.0\.engine\.timing\./);
    expect(said.split('\n')[0]?.replace(/^.*?timing\./, '')).toBe(message);
  });
});
