/**
 * Configuration of the routers. Defaults: smg command line and policies/least_load.rs, 73da68ca9, unless a
 * field says else.
 */
import { z } from 'zod';
import { count, duration, durationOrNone, policyObject, ratio } from '../config.ts';

export const roundRobinConfig = policyObject('round-robin', {});
export type RoundRobinConfig = z.output<typeof roundRobinConfig>;

export const randomConfig = policyObject('random', {});
export type RandomConfig = z.output<typeof randomConfig>;

/**
 * Three polls of smg's load monitor (load-monitor-interval, 10 s): upstream's horizon since its least_load
 * grew one.
 */
const REPORT_MAX_AGE = '30s';

function reportMaxAge() {
  return durationOrNone()
    .prefault(REPORT_MAX_AGE)
    .describe(
      "Duration after which a load report no longer counts, or 'none'. Source: 3 × smg's load-monitor-interval.",
    );
}

export const powerOfTwoConfig = policyObject('power-of-two', {
  reportMaxAge: reportMaxAge(),
  withoutReports: z
    .enum(['in-flight', 'first-drawn'])
    .prefault('in-flight')
    .describe('Without two fresh reports: compare leases held, or take the first drawn. Source: smg defect 18.'),
});
export type PowerOfTwoConfig = z.output<typeof powerOfTwoConfig>;

export const leastRequestConfig = policyObject('least-request', {
  counts: z
    .enum(['leases', 'reported'])
    .prefault('leases')
    .describe(
      'What is least: the leases held, or what workers last reported to run and wait. Source: aibrix issue 2422.',
    ),
});
export type LeastRequestConfig = z.output<typeof leastRequestConfig>;

export const LEAST_LOAD_DEFAULTS = {
  kvPressureWeight: 0.15,
  defaultThroughput: 2000,
  meanPrefillTokens: 1024,
} as const;

export const leastLoadConfig = policyObject('least-load', {
  kvPressureWeight: z
    .number()
    .min(0)
    .prefault(LEAST_LOAD_DEFAULTS.kvPressureWeight)
    .describe('Seconds: weight of k/(1-k), k the KV usage ratio. Source: smg least-load-kv-pressure-weight.'),
  defaultThroughput: z
    .number()
    .positive()
    .prefault(LEAST_LOAD_DEFAULTS.defaultThroughput)
    .describe('Tokens per second of a worker that reports no rate. Source: smg least-load-default-throughput.'),
  meanPrefillTokens: count(1)
    .prefault(LEAST_LOAD_DEFAULTS.meanPrefillTokens)
    .describe('Tokens of a request whose length is unknown. Source: smg least-load-mean-prefill-tokens.'),
  reportMaxAge: reportMaxAge(),
  credit: z
    .enum(['prompt', 'mean'])
    .prefault('prompt')
    .describe('Tokens a choice adds to its worker until it reports: the prompt, or the mean. Source: smg over HTTP.'),
});
export type LeastLoadConfig = z.output<typeof leastLoadConfig>;

export const passthroughConfig = policyObject('passthrough', {});
export type PassthroughConfig = z.output<typeof passthroughConfig>;

export const consistentHashingConfig = policyObject('consistent-hashing', {
  implicitKeys: z
    .array(z.enum(['prefix', 'tenant']))
    .prefault(['prefix'])
    .describe('Keys of a request without a routing key, first present wins. Source: smg takes authorization first.'),
});
export type ConsistentHashingConfig = z.output<typeof consistentHashingConfig>;

export const prefixHashConfig = policyObject('prefix-hash', {
  prefixTokens: count(1).prefault(256).describe('Tokens: the prefix that is hashed. Source: smg prefix-token-count.'),
  loadFactor: z
    .number()
    .min(1)
    .prefault(1.25)
    .describe('Times the mean lease count that a worker may hold. Source: smg prefix-hash-load-factor.'),
  slack: z
    .number()
    .min(0)
    .prefault(10)
    .describe('Leases above the mean that are acceptable anyway; 0 is none. Source: smg #2150.'),
  withoutKey: z
    .enum(['least-load', 'refuse'])
    .prefault('least-load')
    .describe('A prompt of unknown prefix takes the least loaded worker, or is shed. Source: smg defect 18.'),
  sees: z
    .enum(['prefix', 'nothing'])
    .prefault('prefix')
    .describe('What the router may know of a prompt. Source: smg knows no tokens over HTTP.'),
});
export type PrefixHashConfig = z.output<typeof prefixHashConfig>;

/** Blocks: smg's max-tree-size of 67,108,864 characters, at 4 characters a token and 16 tokens a block. */
const BLOCKS_MAX = 1 << 20;

function blocksMax() {
  return count(1)
    .prefault(BLOCKS_MAX)
    .describe('Prompt blocks remembered per worker. Source: smg max-tree-size, in blocks of 64 characters.');
}

function blockTokens() {
  return z
    .union([z.literal('auto'), count(1)], { error: "expected tokens per block, or 'auto'" })
    .prefault('auto')
    .describe("Tokens of one id of a prompt's blocks; 'auto': as the host says, else they fill it. Source: ours.");
}

export const cacheAwareConfig = policyObject('cache-aware', {
  cacheThreshold: ratio()
    .prefault(0.3)
    .describe('Share of the prompt that must match for affinity, exclusive. Source: smg cache-threshold.'),
  balanceAbsThreshold: count()
    .prefault(64)
    .describe('Leases between fullest and emptiest worker that are balanced. Source: smg balance-abs-threshold.'),
  balanceRelThreshold: z
    .number()
    .min(1)
    .prefault(1.5)
    .describe('Times the emptiest worker the fullest may hold. Source: smg balance-rel-threshold.'),
  balanceTokenUsageThreshold: ratio()
    .prefault(1)
    .describe('Spread of KV usage that is balanced; 1 is off. Source: smg balance-token-usage-threshold.'),
  overloadTokenUsageThreshold: ratio()
    .prefault(1)
    .describe('KV usage above which affinity is given up; 1 is off. Source: smg overload-token-usage-threshold.'),
  blocksMax: blocksMax(),
  evictionInterval: duration()
    .prefault('0s')
    .describe('Duration between evictions; 0s: at once. Source: smg eviction-interval, 120 s.'),
  refreshEvery: count(1)
    .prefault(1)
    .describe('A prompt known in full counts as used once in so many times. Source: smg kv_index, 8.'),
  blockTokens: blockTokens(),
  reportMaxAge: reportMaxAge(),
  choose: z
    .enum(['owner', 'most-overlap'])
    .prefault('owner')
    .describe('The first worker of a prefix, or the one with most of it. Source: smg without and with KV events.'),
  whenGone: z
    .enum(['min-load', 'first-available'])
    .prefault('min-load')
    .describe('What takes a matched prompt whose worker is no candidate. Source: smg defect 20.'),
  forget: z
    .enum(['gone-and-failed', 'never'])
    .prefault('gone-and-failed')
    .describe('Workers whose prefixes are forgotten. Source: smg does not purge.'),
});
export type CacheAwareConfig = z.output<typeof cacheAwareConfig>;

export const manualConfig = policyObject('manual', {
  assignment: z
    .enum(['random', 'min-load', 'min-group'])
    .prefault('random')
    .describe('Worker of a new key: any, fewest leases, or fewest active keys. Source: smg assignment-mode.'),
  maxIdle: durationOrNone('1us')
    .prefault('14400s')
    .describe("Duration after which an unused key is forgotten, or 'none'. Source: smg max-idle-secs."),
  keysMax: count(1)
    .prefault(1_000_000)
    .describe('Keys remembered; the longest unused goes first. Source: ours, smg has no bound.'),
});
export type ManualConfig = z.output<typeof manualConfig>;

export const bucketConfig = policyObject('bucket', {
  charactersPerToken: z
    .number()
    .positive()
    .prefault(4)
    .describe('Characters: sizes are prompt tokens times this. Source: the hosts’ estimator.'),
  balanceAbsThreshold: z
    .number()
    .min(0)
    .prefault(32)
    .describe('Recent characters between fullest and emptiest that are balanced. Source: smg bucket.rs.'),
  balanceRelThreshold: z
    .number()
    .min(1)
    .prefault(1.0001)
    .describe('Times the emptiest worker’s recent characters the fullest may have. Source: smg bucket.rs.'),
  adjustInterval: duration('1us')
    .prefault('5s')
    .describe('Duration between recuts, and how long a request is recent. Source: smg bucket-adjust-interval-secs.'),
  whenFleetChanges: z
    .enum(['recut', 'full-range'])
    .prefault('recut')
    .describe('Ranges from recent sizes, or a division of all 64-bit numbers. Source: smg defect 19.'),
  whenOwnerAway: z
    .enum(['least', 'wait'])
    .prefault('least')
    .describe('A size whose worker is no candidate goes to the emptiest, or waits. Source: smg selects none.'),
});
export type BucketConfig = z.output<typeof bucketConfig>;

export const dpMinTokensConfig = policyObject('dp-min-tokens', {
  release: z
    .enum(['settled', 'reported'])
    .prefault('settled')
    .describe('When sent tokens stop counting: with their lease, or at the next report. Source: smg, reported.'),
});
export type DpMinTokensConfig = z.output<typeof dpMinTokensConfig>;

export const kvCostConfig = policyObject('kv-cost', {
  blockTokens: count(1).prefault(16).describe('Tokens of one KV block of the workers. Source: vLLM’s block size.'),
  idTokens: blockTokens(),
  prefillScale: z
    .number()
    .min(0)
    .prefault(1)
    .describe('Weight of prefill blocks. Source: Dynamo’s prefill load scale.'),
  overlapCredit: z
    .number()
    .min(0)
    .prefault(1)
    .describe('Blocks of prefill that one cached block saves. Source: Dynamo’s overlap credit.'),
  requestWeight: z.number().min(0).prefault(0).describe('Blocks that one running request counts. Source: Dynamo.'),
  temperature: z
    .number()
    .min(0)
    .prefault(0)
    .describe('Softmax temperature over costs divided by their range; 0: the least. Source: Dynamo.'),
  blocksMax: blocksMax(),
  maxIdle: durationOrNone('1us')
    .prefault('120s')
    .describe("Duration after which an unused prefix counts as evicted, or 'none'. Source: Dynamo."),
  bookingMax: durationOrNone('1us')
    .prefault('300s')
    .describe("Duration after which a booking no longer counts, or 'none'. Source: Dynamo's stale bookings."),
});
export type KvCostConfig = z.output<typeof kvCostConfig>;
