/**
 * The `timing:` block of an engine and of a preset: how long one iteration takes. `affine` is a straight line in the
 * work, `dynamo` the polynomials of Dynamo's mocker, `table` measured points with straight lines between them.
 */
import { z } from 'zod';
import type { AffineTimingConfig } from '../worker/timing/affine.ts';
import type { TableTimingConfig } from '../worker/timing/table.ts';
import type { TimingConfig } from '../worker/timing/timing.ts';
import { decimal, exactDuration, wholeNumber } from './number-schema.ts';

const affine = z
  .strictObject({
    kind: z.literal('affine').optional().describe('A straight line in the work; the default.'),
    base: exactDuration().prefault('10.7ms').describe('Of every iteration. Default 10.7ms.'),
    perToken: exactDuration().prefault('33.7us').describe('Per token computed. Default 33.7us.'),
    perKvToken: exactDuration()
      .prefault('0.0856us')
      .describe('Per context token of the batch. Default 0.0856us.'),
    perMixedKvToken: exactDuration()
      .optional()
      .describe('The same in an iteration with prompt tokens. Default: perKvToken.'),
  })
  .superRefine((value, context) => {
    if (value.base + value.perToken >= 1) return;
    const message = 'base plus perToken of at least 1us: time must pass';
    context.addIssue({ code: 'custom', path: ['base'], message });
  })
  .describe(
    'Affine in the tokens computed and in the context of the batch; a mixed batch is one iteration. Fractions of a ' +
      'microsecond count. Defaults: kernel fit of Llama-3.1-8B on one RTX PRO 6000, ' +
      'casys-kaist/LLMServingSim@5daddb21.',
  );

const dynamo = z
  .strictObject({
    kind: z.literal('dynamo').describe("The polynomials of Dynamo's mocker."),
    speedup: decimal(0, 1e6).default(1).describe('Divides every iteration; 0 is 1. Default 1.'),
    decodeSpeedup: decimal(0, 1e6).default(1).describe('Divides the decode part once more; 0 is 1. Default 1.'),
  })
  .describe("Dynamo's mocker: prefill by prompt tokens, decode by the share of the pool in use, mixed their sum.");

const COUNT_KEY = z.string().regex(/^[1-9]\d{0,8}$/, { error: 'a whole number from 1 to 999999999' });

const prefill = z.strictObject({
  floor: exactDuration().prefault('0us').describe('Of an iteration with prompt tokens, at least. Default 0us.'),
  knots: z.record(COUNT_KEY, exactDuration())
    .describe('Tokens computed → duration; straight lines between, the last one goes on.'),
  perContextToken: exactDuration()
    .prefault('0us')
    .describe('Per token of context that the prompts have already. Default 0us.'),
});

const decode = z.strictObject({
  kvTokens: z.array(wholeNumber(0)).min(1).max(1000).describe('Context tokens of the whole batch, ascending.'),
  times: z.record(COUNT_KEY, z.array(exactDuration()))
    .describe('Sequences in the batch → one duration for each of kvTokens.'),
});

const experts = z
  .strictObject({
    total: wholeNumber(1, 1e5).describe('Experts of a layer.'),
    perToken: wholeNumber(1, 1e5).describe('Experts that a token uses.'),
    all: exactDuration().describe('Reading the weights of all of them, in all layers.'),
  })
  .superRefine(({ total, perToken }, context) => {
    if (perToken > total) context.addIssue({ code: 'custom', path: ['perToken'], message: `at most total (${total})` });
  })
  .describe('Mixture of experts: all · (1 − (1 − perToken ÷ total)^tokens) on top of every iteration.');

const table = z
  .strictObject({
    kind: z.literal('table').describe('Measured points.'),
    prefill: prefill.describe('Iterations with prompt tokens.'),
    decode: decode.describe('Iterations that decode: a grid over batch and context, bilinear between its points.'),
    experts: experts.optional(),
  })
  .superRefine((value, context) => {
    for (const { path, message } of tableIssues(value)) context.addIssue({ code: 'custom', path, message });
  })
  .describe('Tables: a floor and knots for prompts, a grid for decoding; a mixed iteration pays what both share once.');

/** The `timing:` block. */
export const timingSchema = z.discriminatedUnion('kind', [affine, dynamo, table]);
export type ParsedTiming = z.output<typeof timingSchema>;

interface TableIssue {
  readonly path: (string | number)[];
  readonly message: string;
}

function tableIssues({ prefill: { knots }, decode: { kvTokens, times } }: z.output<typeof table>): TableIssue[] {
  const issues: TableIssue[] = [];
  const refuse = (path: (string | number)[], message: string) => issues.push({ path, message });
  const durations = Object.entries(knots);
  if (durations.length === 0) refuse(['prefill', 'knots'], 'at least 1 entry');
  durations.forEach(([tokens, us], i) => {
    const before = durations[i - 1];
    if (us <= 0) refuse(['prefill', 'knots', tokens], 'more than 0us: time must pass');
    else if (before !== undefined && us < before[1]) {
      refuse(['prefill', 'knots', tokens], `at least that of ${before[0]} tokens (${before[1]}us)`);
    }
  });
  kvTokens.forEach((count, i) => {
    const before = kvTokens[i - 1];
    if (before === undefined || count > before) return;
    refuse(['decode', 'kvTokens', i], `more than the one before (${before})`);
  });
  if (Object.keys(times).length === 0) refuse(['decode', 'times'], 'at least 1 entry');
  for (const [jobs, row] of Object.entries(times)) {
    const path = ['decode', 'times', jobs];
    if (row.length !== kvTokens.length) refuse(path, `${kvTokens.length} durations, one for each of kvTokens`);
    row.forEach((us, i) => {
      if (us <= 0) refuse([...path, i], 'more than 0us: time must pass');
    });
  }
  return issues;
}

/** What the engine is given. `poolTokens`: tokens that its KV pool holds. */
export function timingConfig(parsed: ParsedTiming, poolTokens: number): TimingConfig {
  switch (parsed.kind) {
    case undefined:
    case 'affine':
      return affineConfig(parsed);
    case 'dynamo': {
      const { speedup, decodeSpeedup } = parsed;
      return { kind: 'dynamo', speedup: speedup || 1, decodeSpeedup: decodeSpeedup || 1, poolTokens };
    }
    case 'table':
      return tableConfig(parsed);
    default:
      return parsed satisfies never;
  }
}

function affineConfig({ base, perToken, perKvToken, perMixedKvToken }: z.output<typeof affine>): AffineTimingConfig {
  const config = { kind: 'affine', baseUs: base, perTokenUs: perToken, perKvTokenUs: perKvToken } as const;
  return perMixedKvToken === undefined ? config : { ...config, perMixedKvTokenUs: perMixedKvToken };
}

/** Mappings with whole-number keys list them in ascending order, however they were written. */
function tableConfig({ prefill, decode, experts }: z.output<typeof table>): TableTimingConfig {
  return {
    kind: 'table',
    prefill: {
      floorUs: prefill.floor,
      knots: Object.entries(prefill.knots).map(([tokens, us]) => [Number(tokens), us] as const),
      perContextTokenUs: prefill.perContextToken,
    },
    decode: {
      jobs: Object.keys(decode.times).map(Number),
      kvTokens: decode.kvTokens,
      us: Object.values(decode.times),
    },
    experts: experts && { total: experts.total, perToken: experts.perToken, us: experts.all },
  };
}
