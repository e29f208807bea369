/**
 * The `fleet:` block: groups of equal workers. An `engine` is a simulated continuous-batching engine, named after
 * vLLM's settings; a `disaggregated` worker has engines for prompts and others that decode; an `endpoint` is a plain
 * server with slots and drawn service times, for mock endpoints and queueing theory.
 */
import { z } from 'zod';
import { duration, durationOrNone } from '../../policies/config.ts';
import type { WorkerConfig } from '../sim/config.ts';
import type { QuotaConfig } from '../sim/quota.ts';
import { disaggregatedConfig, disaggregatedSchema } from './disaggregated-schema.ts';
import { durationDistribution } from './distribution-schema.ts';
import { dynamoEngineConfig, dynamoEngineSchema } from './dynamo-engine-schema.ts';
import { wholeNumber, wholeNumberOrNone } from './number-schema.ts';
import { sglangEngineConfig, sglangEngineSchema } from './sglang-engine-schema.ts';
import { vllmEngineConfig, vllmEngineSchema } from './vllm-engine-schema.ts';

/** Workers of one scenario at most. */
const WORKERS_MAX = 10_000;

const engine = z.discriminatedUnion('semantics', [vllmEngineSchema, sglangEngineSchema, dynamoEngineSchema]);

const endpoint = z.strictObject({
  maxRunning: wholeNumber(1, 1e6).describe('Requests served at once.'),
  maxWaiting: wholeNumberOrNone(0)
    .prefault('none')
    .describe('Requests that may wait; more get 503. Default none.'),
  service: durationDistribution().describe('How long one request is served.'),
});

const quota = z.strictObject({
  requests: wholeNumber(1, 1e9).describe('Requests that each takes in a window; more get 429, and do not count.'),
  per: duration('1us')
    .prefault('60s')
    .describe('Length of a window, the first from the start of the run. Default 60s.'),
  retryAfter: durationOrNone()
    .optional()
    .describe('Retry-After of a refusal, or none. Default: until the window ends.'),
});

const group = z
  .strictObject({
    count: wholeNumber(1, WORKERS_MAX).default(1).describe('Workers of this kind. Default 1.'),
    engine: engine
      .optional()
      .describe('A simulated continuous-batching engine; the default, with default settings.'),
    disaggregated: disaggregatedSchema.optional(),
    endpoint: endpoint.optional().describe('A server with slots and drawn service times.'),
    quota: quota.optional().describe('What it takes in a stretch of time, as providers bound it. Default: no bound.'),
  })
  .superRefine((value, context) => {
    const [, second] = (['engine', 'disaggregated', 'endpoint'] as const).filter((kind) => value[kind] !== undefined);
    if (second === undefined) return;
    const message = 'one of engine, disaggregated and endpoint';
    context.addIssue({ code: 'custom', path: [second], message });
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

/** By index, whether a worker has two halves and a link between them. */
export function halvedWorkers(fleet: ParsedFleet): boolean[] {
  return fleet.flatMap(({ count, disaggregated }) => new Array<boolean>(count).fill(disaggregated !== undefined));
}

/** One entry a worker, by index. */
export function workerConfigs(fleet: ParsedFleet): WorkerConfig[] {
  return fleet.flatMap((group) => {
    const config = workerConfig(group);
    return Array.from({ length: group.count }, () => config);
  });
}

/** One entry a worker, by index; undefined: none has a quota. */
export function quotaConfigs(fleet: ParsedFleet): (QuotaConfig | undefined)[] | undefined {
  if (fleet.every(({ quota }) => quota === undefined)) return undefined;
  return fleet.flatMap((group) => new Array<QuotaConfig | undefined>(group.count).fill(quotaConfig(group)));
}

function quotaConfig({ quota }: ParsedFleet[number]): QuotaConfig | undefined {
  if (quota === undefined) return undefined;
  const { requests, per, retryAfter } = quota;
  return { requests, perUs: per, retryAfterUs: retryAfter === Infinity ? -1 : retryAfter };
}

function workerConfig(group: ParsedFleet[number]): WorkerConfig {
  if (group.endpoint !== undefined) {
    const { maxRunning, maxWaiting, service } = group.endpoint;
    return { model: 'endpoint', maxRunning, maxWaiting, serviceUs: service };
  }
  if (group.disaggregated !== undefined) return disaggregatedConfig(group.disaggregated);
  const given = group.engine ?? vllmEngineSchema.parse({});
  switch (given.semantics) {
    case 'sglang':
      return sglangEngineConfig(given);
    case 'dynamo':
    case 'trtllm':
      return dynamoEngineConfig(given);
    default:
      return vllmEngineConfig(given);
  }
}
