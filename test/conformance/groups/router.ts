/** smg policies/{round_robin,power_of_two,least_load}.rs, driven through `pick`. */
import { LeastLoad, leastLoad } from '../../../policies/router/least-load.ts';
import { PowerOfTwo, powerOfTwo } from '../../../policies/router/power-of-two.ts';
import { RoundRobin } from '../../../policies/router/round-robin.ts';
import type { WorkerView } from '../../../policies/types.ts';
import { loadReport, requestView, scripted, workerView } from '../../policies/views.ts';
import { type Handlers, historic } from './handler.ts';

interface Rank {
  waiting_uncached_tokens: number;
  token_usage: number;
  gen_throughput: number;
}
interface LeastLoadInput {
  kv_pressure_weight: number;
  mean_prefill_tokens: number;
  default_throughput: number;
  workers: { in_flight: number; available: boolean; report: Rank[] | null }[];
  selects: ('poll' | { tokens: number | null })[];
}
interface DrawnWorker {
  in_flight: number;
  token_usage: number | null;
}

/** A usage as blocks: of one block, so that the division gives it back exactly. */
function reportOf(rank: Rank) {
  return loadReport({
    prefillTokens: rank.waiting_uncached_tokens,
    kvUsedBlocks: rank.token_usage,
    kvTotalBlocks: 1,
    generatedTokensPerSec: rank.gen_throughput,
  });
}

function selections(input: LeastLoadInput) {
  const policy = new LeastLoad({
    ...historic(leastLoad),
    kvPressureWeight: input.kv_pressure_weight,
    meanPrefillTokens: input.mean_prefill_tokens,
    defaultThroughput: input.default_throughput,
  });
  const candidates: WorkerView[] = [];
  for (const [index, { available, in_flight }] of input.workers.entries()) {
    if (available) candidates.push(workerView({ index, inFlight: in_flight }));
  }
  const poll = () => {
    for (const [index, { report }] of input.workers.entries()) {
      for (const [rank, load] of (report ?? []).entries()) policy.reported(0, index, rank, reportOf(load));
    }
  };
  poll();
  const sequence = input.selects.map((select) => {
    if (select === 'poll') {
      poll();
      return 'poll';
    }
    if (candidates.length === 0) return { idx: null, score: null };
    const scores = [...policy.scores(0, candidates)];
    const picked = policy.pick(0, requestView({ promptTokens: select.tokens ?? -1 }), candidates);
    const score = candidates.length === 1 ? null : scores[picked];
    return { idx: (candidates[picked] as WorkerView).index, score };
  });
  return { sequence };
}

function drawn(index: number, { in_flight, token_usage }: DrawnWorker) {
  const report = token_usage === null ? {} : { reportedAt: 0, reportedKvUsageRatio: token_usage };
  return workerView({ index, inFlight: in_flight, ...report });
}

export const routerGroups: Handlers = {
  round_robin: (input: { available: boolean[]; counter_start: number; selects: number }) => {
    const policy = new RoundRobin();
    const candidates: WorkerView[] = [];
    for (const [index, available] of input.available.entries()) if (available) candidates.push(workerView({ index }));
    const pick = () => (candidates[policy.pick(0, requestView(), candidates)] as WorkerView).index;
    if (candidates.length === 0) return { picks: Array<null>(input.selects).fill(null) };
    for (let turn = 0; turn < input.counter_start; turn++) pick();
    return { picks: Array.from({ length: input.selects }, pick) };
  },
  power_of_two_pair: ({ first, second }: { first: DrawnWorker; second: DrawnWorker }) => {
    const candidates = [drawn(0, first), drawn(1, second)];
    const picked = new PowerOfTwo(historic(powerOfTwo), scripted(0, 0)).pick(0, requestView(), candidates);
    return { pick: picked === 0 ? 'first' : 'second' };
  },
  least_load: selections,
};
