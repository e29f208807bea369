/**
 * The `fleet:` block: groups of equal workers. An `engine` is the simulated continuous-batching engine, named
 * after vLLM's settings; an `endpoint` is a plain server with slots and drawn service times, for mock
 * endpoints and queueing theory.
 */
import { z } from 'zod';
import type { WorkerConfig } from '../sim/config.ts';
import { durationDistribution } from './distribution-schema.ts';
import { dynamoEngineConfig, dynamoEngineSchema } from './dynamo-engine-schema.ts';
import { wholeNumber, wholeNumberOrNone } from './number-schema.ts';
import { sglangEngineConfig, sglangEngineSchema } from './sglang-engine-schema.ts';
import { timingConfig, timingSchema } from './timing-schema.ts';

/** Workers of one scenario at most. */
const WORKERS_MAX = 10_000;

const vllm = z
  .strictObject({
    semantics: z.literal('vllm')
      .optional()
      .describe('Whose scheduling the engine follows: vllm, sglang, trtllm, or dynamo, its mocker. Default vllm.'),
    preset: z.string()
      .optional()
      .describe('Timing and pool of a measured engine: a name of `spillway presets`, or a preset file.'),
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
    scheduling: z.enum(['fcfs', 'priority'])
      .optional()
      .describe('Who is served first and preempted last, vLLM scheduling-policy. Default fcfs.'),
    preemption: z.enum(['newest', 'oldest'])
      .optional()
      .describe('Whom fcfs preempts when KV blocks run out. Default newest, as vLLM.'),
    ranks: wholeNumber(1, 1024)
      .optional()
      .describe('Data-parallel ranks; every other number is of one rank. Default 1.'),
    lockStep: z.boolean()
      .optional()
      .describe('Ranks begin and end iterations together, as expert parallelism forces them to. Default false.'),
    timing: timingSchema.prefault({}).describe('How long one iteration takes. Default affine.'),
  })
  .superRefine((value, context) => {
    if (value.maxBatchedTokens >= value.maxRunning) return;
    const message = `at least maxRunning (${value.maxRunning}), as vLLM asks`;
    context.addIssue({ code: 'custom', path: ['maxBatchedTokens'], message });
  });

const engine = z.discriminatedUnion('semantics', [vllm, sglangEngineSchema, dynamoEngineSchema]);

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
  const given = group.engine ?? vllm.parse({});
  switch (given.semantics) {
    case 'sglang':
      return sglangEngineConfig(given);
    case 'dynamo':
    case 'trtllm':
      return dynamoEngineConfig(given);
    default:
      return vllmConfig(given);
  }
}

function vllmConfig({ preset: _preset, semantics: _vllm, timing, ...settings }: z.output<typeof vllm>): WorkerConfig {
  return { model: 'engine', ...settings, timing: timingConfig(timing, settings.blocks * settings.blockTokens) };
}
