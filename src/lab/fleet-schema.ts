/**
 * The `fleet:` block: groups of equal workers. An `engine` is the simulated continuous-batching engine, named
 * after vLLM's settings; an `endpoint` is a plain server with slots and drawn service times, for mock
 * endpoints and queueing theory.
 */
import { z } from 'zod';
import type { WorkerConfig } from '../sim/config.ts';
import { durationDistribution } from './distribution-schema.ts';
import { exactDuration, wholeNumber, wholeNumberOrNone } from './number-schema.ts';

/** Workers of one scenario at most. */
const WORKERS_MAX = 10_000;

const step = z
  .strictObject({
    base: exactDuration().prefault('10.7ms').describe('Of every iteration. Default 10.7ms.'),
    perToken: exactDuration().prefault('33.7us').describe('Per token computed. Default 33.7us.'),
    perKvToken: exactDuration()
      .prefault('0.0856us')
      .describe('Per context token of the batch. Default 0.0856us.'),
  })
  .superRefine((value, context) => {
    if (value.base + value.perToken >= 1) return;
    const message = 'base plus perToken of at least 1us: time must pass';
    context.addIssue({ code: 'custom', path: ['base'], message });
  })
  .describe(
    'Duration of one iteration, affine in its work; fractions of a microsecond count. Defaults: kernel fit ' +
      'of Llama-3.1-8B on one RTX PRO 6000, casys-kaist/LLMServingSim@5daddb21.',
  );

const engine = z
  .strictObject({
    maxRunning: wholeNumber(1, 1e5)
      .default(256)
      .describe('Sequences in the batch. Default 256, vLLM max_num_seqs.'),
    maxBatchedTokens: wholeNumber(1, 1e7)
      .default(2048)
      .describe('Tokens computed in one iteration. Default 2048, vLLM max_num_batched_tokens.'),
    blocks: wholeNumber(1, 1e8)
      .default(16_384)
      .describe('KV blocks of the pool. Default 16384, which is 262,144 tokens.'),
    blockTokens: wholeNumber(1, 1e5)
      .default(16)
      .describe('Tokens a KV block holds. Default 16, vLLM block_size.'),
    maxModelTokens: wholeNumberOrNone(1)
      .prefault('none')
      .describe('Prompt plus output at most, vLLM max_model_len. Default none.'),
    maxWaiting: wholeNumberOrNone(1)
      .prefault('none')
      .describe('Requests that may wait; more get 503. Default none.'),
    chunkedPrefill: z.boolean()
      .default(true)
      .describe('Prompts above the token budget take several iterations. Default true.'),
    prefixCache: z.boolean().default(true).describe('Full blocks stay cached by content. Default true.'),
    step: step.prefault({}),
  })
  .superRefine((value, context) => {
    if (value.maxBatchedTokens >= value.maxRunning) return;
    const message = `at least maxRunning (${value.maxRunning}), as vLLM asks`;
    context.addIssue({ code: 'custom', path: ['maxBatchedTokens'], message });
  });

const endpoint = z.strictObject({
  maxRunning: wholeNumber(1, 1e6).describe('Requests served at once.'),
  maxWaiting: wholeNumberOrNone(0)
    .prefault('none')
    .describe('Requests that may wait; more get 503. Default none.'),
  service: durationDistribution().describe('How long one request is served.'),
});

const group = z
  .strictObject({
    count: wholeNumber(1, WORKERS_MAX).default(1).describe('Workers of this kind. Default 1.'),
    engine: engine
      .optional()
      .describe('A simulated continuous-batching engine; the default, with default settings.'),
    endpoint: endpoint.optional().describe('A server with slots and drawn service times.'),
  })
  .superRefine((value, context) => {
    if (value.engine === undefined || value.endpoint === undefined) return;
    context.addIssue({ code: 'custom', path: ['endpoint'], message: 'engine or endpoint, not both' });
  });

/** The `fleet:` block. Workers are numbered in order of the groups, from 0. */
export const fleetSchema = z
  .array(group)
  .min(1)
  .max(1000)
  .superRefine((groups, context) => {
    if (workerCount(groups) <= WORKERS_MAX) return;
    context.addIssue({ code: 'custom', message: `at most ${WORKERS_MAX} workers in all` });
  })
  .describe('Groups of equal workers, numbered from 0 in order.');
type ParsedFleet = z.output<typeof fleetSchema>;

/** Workers of all groups. */
export function workerCount(groups: readonly { readonly count: number }[]): number {
  return groups.reduce((sum, { count }) => sum + count, 0);
}

/** One entry a worker, by index. */
export function workerConfigs(fleet: ParsedFleet): WorkerConfig[] {
  return fleet.flatMap((group) => {
    const config = workerConfig(group);
    return Array.from({ length: group.count }, () => config);
  });
}

function workerConfig(group: ParsedFleet[number]): WorkerConfig {
  if (group.endpoint !== undefined) {
    const { maxRunning, maxWaiting, service } = group.endpoint;
    return { model: 'endpoint', maxRunning, maxWaiting, serviceUs: service };
  }
  const { step: cost, ...settings } = group.engine ?? engine.parse({});
  return {
    model: 'engine',
    ...settings,
    step: { baseUs: cost.base, perTokenUs: cost.perToken, perKvTokenUs: cost.perKvToken },
  };
}
