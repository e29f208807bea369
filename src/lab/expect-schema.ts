/**
 * The `expect:` block: assertions on results, by variant, so that a scenario is also a test. Paths are those
 * of the result document (`rows.dropped`, `p99_ttft_ms`, `workers.0.preemptions`).
 */
import { z } from 'zod';
import { fieldDoc, RESULT_FIELDS } from '../results/result-fields.ts';
import { didYouMean } from './nearest.ts';

/** The comparisons an expectation can make; exactly one is given. Numbers as in the result document. */
const EXPECT_OPERATORS = ['equals', 'above', 'below', 'atLeast', 'atMost', 'between'] as const;

/** Of an expectation or a symptom. Indices may be written `.0` or `[0]`. */
export const resultPath = z
  .string()
  .superRefine((path, context) => {
    if (fieldDoc(path.replace(/\.(\d+)(?=\.|$)/g, '[$1]')) !== undefined) return;
    const near = didYouMean(path, Object.keys(RESULT_FIELDS));
    const message = `a field of the result document${near === '' ? ', see scenarios/README.md' : near}`;
    context.addIssue({ code: 'custom', message });
  })
  .describe('Dotted path in the result document, such as rows.dropped or workers.0.preemptions.');

const limit = z.number({ error: 'a number' });

const exact = z.union([z.number(), z.string(), z.boolean()], { error: 'a number, text, true or false' });

/** One assertion. */
export const expectationSchema = z
  .strictObject({
    variant: z.string()
      .default('base')
      .describe('Variant whose result it reads. Default base: the scenario as written.'),
    path: resultPath,
    equals: exact.optional().describe('The value itself: a number, text, true or false.'),
    above: limit.optional().describe('More than this.'),
    below: limit.optional().describe('Less than this.'),
    atLeast: limit.optional().describe('This or more.'),
    atMost: limit.optional().describe('This or less.'),
    between: z
      .tuple([limit, limit], { error: 'two numbers [low, high]' })
      .optional()
      .describe('Both ends included.'),
    because: z.string().optional().describe('Why it is expected; shown when it fails.'),
  })
  .superRefine((value, context) => {
    if (context.issues.length > 0) return;
    const given = EXPECT_OPERATORS.filter((operator) => value[operator] !== undefined);
    if (given.length !== 1) {
      const message = `exactly one of ${EXPECT_OPERATORS.join(', ')} (here ${given.length})`;
      context.addIssue({ code: 'custom', message });
    }
    if (value.between !== undefined && value.between[0] > value.between[1]) {
      context.addIssue({ code: 'custom', path: ['between'], message: 'two numbers, the lower one first' });
    }
  });
export type Expectation = z.output<typeof expectationSchema>;
