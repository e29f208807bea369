/**
 * Who may run, the three places where the vLLM core and its TensorRT-LLM variant differ.
 *
 * `dynamo` (vLLM) admits the head of the queue when its known tokens fit beside what is in use now; its output is not
 * reserved, so that growth may later preempt. `trtllm` (GUARANTEED_NO_EVICT) admits it when it fits up to its last
 * token beside all that the running ones may still take, so that growth always finds a block. In both, cached blocks
 * of its prefix count as found only while somebody else holds them: an idle hit spares computation, not room.
 * Facts: ai-dynamo/dynamo, `lib/mocker/src/scheduler/vllm` (admission policy), August 2026.
 */
import type { BlockCopy, BlockPool } from './block-pool.ts';
import type { DynamoEngineConfig } from './dynamo-engine-config.ts';
import type { DynamoSequence } from './dynamo-sequence.ts';

/**
 * Tokens that a request may generate, or -1 when it can never run and is refused at submission. The mocker refuses it
 * when its turn comes; until then it would take neither tokens nor blocks, so nobody else's times differ.
 *
 * Without a model length the mocker lets one sequence outgrow the pool: it then preempts itself and blocks its queue
 * for ever. Here generation stops with the last token that the pool can carry.
 */
export function outputLimit(config: DynamoEngineConfig, promptTokens: number, outputTokens: number): number {
  const { semantics, blocks, blockTokens, maxModelTokens, maxBatchedTokens, chunkedPrefill } = config;
  const poolTokens = blocks * blockTokens;
  if (!chunkedPrefill && promptTokens > maxBatchedTokens) return -1;
  if (semantics === 'trtllm') {
    return promptTokens >= poolTokens ? -1 : Math.min(outputTokens, poolTokens - promptTokens);
  }
  if (promptTokens >= maxModelTokens || promptTokens > poolTokens) return -1;
  // The last token gets no slot, so one more than the pool has room for.
  return Math.min(outputTokens, maxModelTokens - promptTokens, poolTokens - promptTokens + 1);
}

/**
 * The cached prefix that a waiting sequence would reuse. vLLM computes at least the last known token to have logits,
 * which with whole blocks is the last block of an aligned prompt; TensorRT-LLM, and a request that wants no output,
 * reuse all.
 */
export function cachedPrefix<Owner>(
  config: DynamoEngineConfig,
  pool: BlockPool,
  sequence: DynamoSequence<Owner>,
): BlockCopy[] {
  const prefix: BlockCopy[] = [];
  if (!config.prefixCache) return prefix;
  const whole = config.semantics === 'trtllm' || sequence.outputLimit === 0;
  const limit = Math.floor((whole ? sequence.known : sequence.known - 1) / config.blockTokens);
  while (prefix.length < limit) {
    const copy = pool.find(sequence.identity.hash(prefix.length));
    if (copy === undefined) break;
    prefix.push(copy);
  }
  return prefix;
}

/** Whether the head of the queue, with the prefix it would reuse, may join `running`. */
export function fits<Owner>(
  config: DynamoEngineConfig,
  pool: BlockPool,
  running: readonly DynamoSequence<Owner>[],
  sequence: DynamoSequence<Owner>,
  prefix: readonly BlockCopy[],
): boolean {
  const { blockTokens } = config;
  let shared = 0;
  for (const copy of prefix) if (copy.refs > 0) shared++;
  let available = pool.total - pool.active;
  if (config.semantics === 'dynamo') return Math.ceil(sequence.known / blockTokens) - shared <= available;
  for (const each of running) available -= completionBlocks(each, blockTokens) - each.blocks.length;
  return completionBlocks(sequence, blockTokens) - shared <= available;
}

function completionBlocks<Owner>({ init, outputLimit: output }: DynamoSequence<Owner>, blockTokens: number): number {
  return Math.ceil((init.promptTokens + output) / blockTokens);
}
