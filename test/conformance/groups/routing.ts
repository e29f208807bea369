/**
 * smg policies/{cache_aware,prefix_hash,consistent_hashing,bucket}.rs, worker/hash_ring.rs and the token costs of
 * routers/http/pd_router.rs.
 */
import { BucketRanges } from '../../../policies/router/bucket-ranges.ts';
import { imbalanced, minLoad, routeOf } from '../../../policies/router/cache-aware.ts';
import { affinityOf } from '../../../policies/router/consistent-hashing.ts';
import { DpMinTokens, dpMinTokens, tokensOfWords } from '../../../policies/router/dp-min-tokens.ts';
import { HashRing, positionModulo, ringPosition } from '../../../policies/router/hash-ring.ts';
import { loadOk, prefixHashKey } from '../../../policies/router/prefix-hash.ts';
import type { WorkerView } from '../../../policies/types.ts';
import { loadReport, requestView, workerView } from '../../policies/views.ts';
import { type Handlers, historic } from './handler.ts';

/** Equal to the answer, and to '*', which stands for any. */
function orAny(answer: number) {
  return { asymmetricMatch: (expected: unknown) => expected === '*' || expected === answer };
}

/** Equal to every name of a route but the other two's: the vectors seen so far name `min_load` only. */
function routeNamed(pattern: RegExp) {
  return { asymmetricMatch: (expected: unknown) => typeof expected === 'string' && pattern.test(expected) };
}

interface Decision {
  cache_threshold: number;
  matched_chars: number;
  input_chars: number;
  matched_tenant_available: boolean;
}

function decision(input: Decision) {
  const { cache_threshold, matched_chars, input_chars, matched_tenant_available } = input;
  const route = routeOf(cache_threshold, matched_chars, input_chars, matched_tenant_available);
  if (route === 'min-load') return { route: 'min_load' };
  return { route: routeNamed(route === 'gone' ? /first/ : /^(?!.*(first|min_load))/) };
}

/** Indices of the workers that are available, in order. */
function usable(available: readonly boolean[]): number[] {
  return [...available.keys()].filter((index) => available[index]);
}

/** Without a ring, as in upstream's own tests of precedence. */
function precedence(input: { headers: Record<string, string>; workers_healthy: boolean[] }) {
  const { headers, workers_healthy } = input;
  if (workers_healthy.length === 0) return { branch: 'no_healthy_workers', idx: null };
  const implicit = ['authorization', 'x-forwarded-for', 'cookie'].map((name) => headers[name]);
  const affinity = affinityOf({
    target: headers['x-smg-target-worker'] ?? '',
    routingKey: headers['x-smg-routing-key'] ?? '',
    implicit,
  });
  const healthy = usable(workers_healthy);
  if (affinity.kind === 'target') {
    const hit = healthy.includes(affinity.worker);
    return { branch: `target_worker_${hit ? 'hit' : 'miss'}`, idx: hit ? affinity.worker : null };
  }
  if (healthy.length === 0) return { branch: 'no_healthy_workers', idx: null };
  if (affinity.kind === 'none') return { branch: 'random_fallback', idx: '*' };
  return { branch: 'routing_key_hit', idx: orAny(healthy[positionModulo(affinity.key, healthy.length)] as number) };
}

function lookup(urls: readonly string[], key: string, unhealthy: readonly string[] = []): string | null {
  const found = new HashRing(urls).find(
    key,
    urls.map((url) => (unhealthy.includes(url) ? -1 : 0)),
  );
  return urls[found] ?? null;
}

/** 'a..b', '[a, b]' or either with words after it, which say what the upstream test adds behind the prefix. */
function tokensOf(text: string): number[] {
  const [, from, to] = /^(\d+)\.\.(\d+)/.exec(text) ?? [];
  if (from === undefined || to === undefined) return JSON.parse(text.replace(/\].*$/, ']')) as number[];
  const tokens = Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i);
  return text.includes('+ others') ? [...tokens, 999, 888, 777] : tokens;
}

/** A bound as the vectors print it. */
function printed(bound: number | bigint): unknown {
  if (bound === Infinity) return 'MAX';
  return typeof bound === 'number' || bound <= 1n << 53n ? Number(bound) : String(bound);
}

function bucketOps({ period_ms, ops }: { period_ms: number; ops: string[] }) {
  const buckets = new BucketRanges(period_ms * 1e3, 'full-range');
  const urls: string[] = [];
  const indexOf = (url: string) => (urls.includes(url) ? urls.indexOf(url) : urls.push(url) - 1);
  let now = 0;
  const state = () => ({
    boundaries: buckets.ranges.map(({ worker, from, to }) => ({
      url: urls[worker],
      range: [printed(from), printed(to)],
    })),
    chars: Object.fromEntries([...buckets.loads].map(([worker, load]) => [urls[worker] ?? '', load])) as unknown,
    load_total: buckets.total,
  });
  const sequence = ops.map((op) => {
    const [verb, text = ''] = op.split('=');
    const [size, url = ''] = text.split('@');
    switch (verb) {
      case 'init':
        buckets.setWorkers(text === '' ? [] : text.split(',').map(indexOf));
        return state();
      case 'post':
        buckets.post(now, Number(size), indexOf(url));
        return state();
      case 'adjust':
        buckets.recut();
        return state();
      case 'find':
        return { find: Number(text), url: urls[buckets.find(Number(text))] ?? null };
      case 'adv':
        now += Number(text) * 1e3;
        return null;
      default:
        throw new Error(`unknown operation ${op}`);
    }
  });
  return { sequence };
}

function minTokens({ rank_loads, costs }: { rank_loads: Record<string, string>; costs: number[] }) {
  const policy = new DpMinTokens(historic(dpMinTokens));
  const ranks: WorkerView[] = [];
  for (const [rank, tokens] of Object.entries(rank_loads)) {
    policy.reported(0, Number(rank), 0, loadReport({ prefillTokens: Number(tokens) }));
    ranks.push(workerView({ index: Number(rank) }));
  }
  const sequence = costs.map((cost, id) => {
    if (ranks.length === 0) return null;
    const request = requestView({ id, promptTokens: cost });
    const worker = ranks[policy.pick(0, request, ranks)] as WorkerView;
    policy.granted(0, { id, request, worker, startedAt: 0 });
    return worker.index;
  });
  return { sequence };
}

interface Imbalance {
  balance_abs_threshold: number;
  balance_rel_threshold: number;
  balance_token_usage_threshold: number;
  overload_token_usage_threshold: number;
  kv_usage: number[] | null;
  min_load: number;
  max_load: number;
}

export const routingGroups: Handlers = {
  cache_aware_imbalance: (input: Imbalance) => {
    const thresholds = {
      balanceAbsThreshold: input.balance_abs_threshold,
      balanceRelThreshold: input.balance_rel_threshold,
      balanceTokenUsageThreshold: input.balance_token_usage_threshold,
      overloadTokenUsageThreshold: input.overload_token_usage_threshold,
    };
    return { value: imbalanced(thresholds, input.kv_usage ?? [], input.min_load, input.max_load) };
  },
  cache_aware_decision: decision,
  min_load_tiebreak: (input: { workers: { load: number; processed: number; available: boolean }[] }) => {
    const sent = input.workers.map(({ processed }) => processed);
    const candidates = usable(input.workers.map(({ available }) => available)).map((index) =>
      workerView({ index, inFlight: (input.workers[index] as { load: number }).load }),
    );
    return { idx: candidates[candidates.length === 0 ? -1 : minLoad(candidates, sent)]?.index ?? null };
  },
  prefix_hash_load_ok: (input: { load_factor: number; worker_load: number; total_load: number; workers: number }) => ({
    value: loadOk(input.worker_load, input.total_load, input.workers, input.load_factor),
  }),
  prefix_hash_key: (input: { tokens: string; prefix_token_count: number; ring_urls: string[] }) => {
    const key = prefixHashKey(tokensOf(input.tokens), input.prefix_token_count);
    return { ring_key: key, url: lookup(input.ring_urls, key) };
  },
  consistent_hash_precedence: precedence,
  hash_ring_position: ({ key }: { key: string }) => ({ u64: String(BigInt(`0x${ringPosition(key).hex()}`)) }),
  hash_ring_lookup: (input: { urls: string[]; key: string; unhealthy: string[] }) => ({
    url: lookup(input.urls, input.key, input.unhealthy),
  }),
  hash_no_ring_modulo: ({ key, healthy_indices }: { key: string; healthy_indices: number[] }) => ({
    idx: healthy_indices[positionModulo(key, healthy_indices.length)] ?? null,
  }),
  bucket_policy: bucketOps,
  dp_min_tokens: minTokens,
  pd_dp_cost_estimate: ({ text_words }: { text_words: number }) => ({ cost: tokensOfWords(text_words) }),
};
