/** What the engines of both halves show together. */
import { type WorkerGauges, type WorkerTotals, zeroTotals } from '../worker.ts';

interface Counted {
  readonly totals: WorkerTotals;
}

/** A prompt is asked for once: what the decode side finds of it in its cache only spares the link. */
export function totalsOf(prefill: readonly Counted[], decode: readonly Counted[]): WorkerTotals {
  const sums = zeroTotals();
  const keys = Object.keys(sums) as (keyof WorkerTotals)[];
  for (const { totals } of [...prefill, ...decode]) for (const key of keys) sums[key] += totals[key];
  sums.promptTokens = sums.prefixHitTokens = 0;
  for (const { totals } of prefill) {
    sums.promptTokens += totals.promptTokens;
    sums.prefixHitTokens += totals.prefixHitTokens;
  }
  sums.busyUs /= prefill.length + decode.length;
  return sums;
}

/** Limits are those of the half that sets them: the token budget of prompts, the batch of decoding. */
export function gaugesOfHalves(prefill: readonly WorkerGauges[], decode: readonly WorkerGauges[]): WorkerGauges {
  const all = [...prefill, ...decode];
  return {
    running: sum(all, 'running'),
    waiting: sum(all, 'waiting'),
    kvUsedBlocks: sum(all, 'kvUsedBlocks'),
    kvTotalBlocks: sum(all, 'kvTotalBlocks'),
    decodeBlocks: sum(decode, 'decodeBlocks'),
    waitingPromptTokens: sum(prefill, 'waitingPromptTokens'),
    maxBatchedTokens: (prefill[0] as WorkerGauges).maxBatchedTokens,
    maxRunning: sum(decode, 'maxRunning'),
  };
}

function sum(of: readonly WorkerGauges[], key: keyof WorkerGauges): number {
  return of.reduce((total, each) => total + each[key], 0);
}
