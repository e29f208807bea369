/** What an engine's own metrics endpoint would say; O(sequences). */
import type { EngineConfig } from './engine-config.ts';
import type { Scheduler } from './scheduler.ts';
import type { Sequence } from './sequence.ts';
import type { WorkerGauges } from './worker.ts';

/** `heldTokens`: tokens that a running sequence has KV blocks for. */
export function gaugesOf<Owner>(
  scheduler: Scheduler<Owner>,
  { maxBatchedTokens, maxRunning }: EngineConfig,
  heldTokens: (sequence: Sequence<Owner>) => number,
): WorkerGauges {
  const { running, waiting, pool } = scheduler;
  let decodeBlocks = 0;
  for (const sequence of running) {
    if (sequence.generated > 0) decodeBlocks += scheduler.blocksOf(heldTokens(sequence));
  }
  let waitingPromptTokens = 0;
  for (const sequence of waiting) waitingPromptTokens += sequence.known;
  return {
    running: running.length,
    waiting: waiting.size,
    kvUsedBlocks: pool.used,
    kvTotalBlocks: pool.total,
    decodeBlocks,
    waitingPromptTokens,
    maxBatchedTokens,
    maxRunning,
  };
}
