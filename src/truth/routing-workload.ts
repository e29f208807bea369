/**
 * The workload of llm-d's routing benchmark (llm-d/llm-d-kv-cache-manager@a378f5b3): 83 groups of three prompts that
 * share 8,192 tokens and have 1,024 of their own, 1,000 tokens out, Poisson arrivals, the same 249 prompts again and
 * again. Every prompt has been seen once before a stage begins, as the stages before it have done there.
 */
import { stream } from '../kernel/rng.ts';

const GROUPS = 83;
const PROMPTS_OF_GROUP = 3;
/** Tokens of one identity. */
export const HASH_BLOCK_TOKENS = 512;
const SHARED_BLOCKS = 16;
const OWN_BLOCKS = 2;
export const PROMPT_TOKENS = (SHARED_BLOCKS + OWN_BLOCKS) * HASH_BLOCK_TOKENS;
export const OUTPUT_TOKENS = 1000;
const IDS_OF_GROUP = SHARED_BLOCKS + PROMPTS_OF_GROUP * OWN_BLOCKS;
/** Prompts a second while caches are warmed, and the pause before the stage. */
const WARM_UP_RATE = 4;
const WARM_UP_PAUSE_US = 5e6;

export interface RoutingRequest {
  /** Microseconds. */
  readonly at: number;
  readonly hashIds: readonly number[];
  readonly outputTokens: number;
}

export interface RoutingStage {
  /** In order of arrival, those that warm the caches first. */
  readonly requests: readonly RoutingRequest[];
  /** How many of them do. */
  readonly warmUp: number;
  /** When the stage begins. */
  readonly startAt: number;
}

/** A stage at `rate` requests a second over `seconds`, or one worker's share of it and of the groups. */
export function routingStage(rate: number, seconds: number, seed: number, share = 1, groupShare = 1): RoutingStage {
  const groups = Math.round(GROUPS * groupShare);
  const prompts = groups * PROMPTS_OF_GROUP;
  const warmUp = Array.from({ length: prompts }, (_, i): RoutingRequest => {
    const order = (i % groups) * PROMPTS_OF_GROUP + Math.floor(i / groups);
    return { at: Math.round((i * 1e6) / (WARM_UP_RATE * share)), hashIds: idsOf(order), outputTokens: 1 };
  });
  const startAt = Math.round((prompts * 1e6) / (WARM_UP_RATE * share)) + WARM_UP_PAUSE_US;
  const rng = stream(seed, 'routing');
  let at = startAt;
  const requests = Array.from({ length: Math.round(rate * share * seconds) }, (): RoutingRequest => {
    at -= (Math.log(1 - rng()) * 1e6) / (rate * share);
    return { at: Math.round(at), hashIds: idsOf(Math.floor(rng() * prompts)), outputTokens: OUTPUT_TOKENS };
  });
  return { requests: [...warmUp, ...requests], warmUp: warmUp.length, startAt };
}

function idsOf(prompt: number): number[] {
  const first = Math.floor(prompt / PROMPTS_OF_GROUP) * IDS_OF_GROUP;
  const own = first + SHARED_BLOCKS + (prompt % PROMPTS_OF_GROUP) * OWN_BLOCKS;
  const shared = Array.from({ length: SHARED_BLOCKS }, (_, block) => first + block);
  return [...shared, ...Array.from({ length: OWN_BLOCKS }, (_, block) => own + block)];
}
