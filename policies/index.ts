/**
 * The registry: every policy Spillway ships, by role and name, and how a checked `policies:` block becomes
 * live objects. The order is the order of listings. Both the simulator and the proxy build their policies
 * here; a user's own entries are appended to `policyEntries` and passed on.
 */
import { requestAdmission } from './admission/request-admission.ts';
import type { RequestAdmission } from './admission/types.ts';
import { breaker } from './breaker/breaker.ts';
import { busy } from './busy/busy.ts';
import { concurrencyLimit } from './gate/concurrency-limit.ts';
import { probes } from './health/probes.ts';
import { aimd } from './limit/aimd.ts';
import { gradient2 } from './limit/gradient2.ts';
import { vegas } from './limit/vegas.ts';
import { priority } from './priority/priority.ts';
import { adaptiveLifo } from './queue/adaptive-lifo.ts';
import { codel } from './queue/codel.ts';
import { deadline } from './queue/deadline.ts';
import { tokenBucket } from './rate/bucket-queue.ts';
import { noRateLimit } from './rate/none.ts';
import { tenantLimit } from './rate/tenant-limit.ts';
import { datadesigner } from './retry/datadesigner.ts';
import { jittered } from './retry/jittered.ts';
import { openaiSdk } from './retry/openai-sdk.ts';
import { Budgeted } from './retry-budget/budgeted.ts';
import { finagleBudget } from './retry-budget/finagle.ts';
import { grpcBudget } from './retry-budget/grpc.ts';
import { noBudget } from './retry-budget/none.ts';
import { ratioBudget } from './retry-budget/ratio.ts';
import { sreBudget } from './retry-budget/sre.ts';
import { bucket } from './router/bucket.ts';
import { cacheAware } from './router/cache-aware.ts';
import { consistentHashing } from './router/consistent-hashing.ts';
import { dpMinTokens } from './router/dp-min-tokens.ts';
import { kvCost } from './router/kv-cost.ts';
import { manual } from './router/manual.ts';
import { passthrough } from './router/passthrough.ts';
import { prefixHash } from './router/prefix-hash.ts';
import { fixed } from './capacity/fixed.ts';
import { tiers } from './capacity/tiers.ts';
import type { PolicyEntry, PolicyRole, PolicyRoles } from './entry.ts';
import { fifo } from './queue/fifo.ts';
import { noQueue } from './queue/none.ts';
import { exponential } from './retry/exponential.ts';
import { noRetry } from './retry/none.ts';
import { sglang8744 } from './retry/sglang-8744.ts';
import { leastLoad } from './router/least-load.ts';
import { leastRequest } from './router/least-request.ts';
import { powerOfTwo } from './router/power-of-two.ts';
import { random } from './router/random.ts';
import { roundRobin } from './router/round-robin.ts';
import { rounds } from './salvage/rounds.ts';
import type { PoliciesConfig, PolicyConfig } from './schema.ts';
import { boundedBorrow, strict } from './task/task-scheduling.ts';
import type { TaskScheduling } from './task/types.ts';
import type { PolicySet, Retry, Rng, Salvage } from './types.ts';

export { count, duration, durationOrNone, policyObject, ratio } from './config.ts';
export type * from './entry.ts';
export type * from './types.ts';
export { policiesSchema, type PoliciesConfig, type PolicyConfig } from './schema.ts';

export const policyEntries: readonly PolicyEntry[] = [
  tiers,
  fixed,
  aimd,
  vegas,
  gradient2,
  noRateLimit,
  tenantLimit,
  fifo,
  noQueue,
  codel,
  adaptiveLifo,
  deadline,
  tokenBucket,
  priority,
  powerOfTwo,
  leastLoad,
  leastRequest,
  roundRobin,
  random,
  passthrough,
  cacheAware,
  prefixHash,
  consistentHashing,
  manual,
  bucket,
  dpMinTokens,
  kvCost,
  concurrencyLimit,
  breaker,
  busy,
  exponential,
  jittered,
  openaiSdk,
  datadesigner,
  noRetry,
  sglang8744,
  noBudget,
  finagleBudget,
  grpcBudget,
  sreBudget,
  ratioBudget,
  probes,
  boundedBorrow,
  strict,
  requestAdmission,
  rounds,
];

/** The policies that can play a role, in registry order. */
export function entriesOf<Role extends PolicyRole>(
  role: Role,
  entries: readonly PolicyEntry[] = policyEntries,
): readonly PolicyEntry<Role>[] {
  return entries.filter((entry): entry is PolicyEntry<Role> => entry.role === role);
}

export function findPolicy<Role extends PolicyRole>(
  role: Role,
  name: string,
  entries: readonly PolicyEntry[] = policyEntries,
): PolicyEntry<Role> | undefined {
  return entriesOf(role, entries).find((entry) => entry.name === name);
}

/**
 * Answers the stream of that name; equal names must give equal streams within a run, different names
 * independent ones.
 */
export type StreamFor = (name: string) => Rng;

/**
 * A fresh set of policies for one gateway core, from a block that `policiesSchema(entries)` accepted. Streams
 * are named by role (`capacity`, `queue`, `router`, `gates/0`, `retry`), not by policy, so that two policies
 * of one role draw alike.
 */
export function makePolicies(
  config: PoliciesConfig,
  streamFor: StreamFor,
  entries: readonly PolicyEntry[] = policyEntries,
): PolicySet {
  return {
    capacity: make('capacity', config.capacity, streamFor('capacity'), entries),
    rate: make('rate', config.rate, streamFor('rate'), entries),
    queue: make('queue', config.queue, streamFor('queue'), entries),
    router: make('router', config.router, streamFor('router'), entries),
    gates: config.gates.map((gate, i) => make('gate', gate, streamFor(`gates/${i}`), entries)),
    retry: new Budgeted(
      make('retry', config.retry, streamFor('retry'), entries),
      make('retry-budget', config.retryBudget, streamFor('retry-budget'), entries),
    ),
    excludeFailedWorkers: config.excludeFailedWorkers,
    timeouts: config.timeouts,
    health: config.health === undefined ? undefined : make('health', config.health, streamFor('health'), entries),
  };
}

/** Everything a batch core is made of. */
export interface BatchPolicies {
  readonly admission: RequestAdmission;
  readonly tasks: TaskScheduling;
  /** Of calls; the gateway's own retry is another. */
  readonly retry: Retry;
  readonly salvage: Salvage;
}

/**
 * A fresh set of policies for one batch core. Streams are named `tasks`, `admission`, `call-retry` and `salvage`.
 */
export function makeBatchPolicies(
  config: PoliciesConfig,
  streamFor: StreamFor,
  entries: readonly PolicyEntry[] = policyEntries,
): BatchPolicies {
  return {
    tasks: make('tasks', config.tasks, streamFor('tasks'), entries),
    admission: make('admission', config.admission, streamFor('admission'), entries),
    retry: make('retry', config.callRetry, streamFor('call-retry'), entries),
    salvage: make('salvage', config.salvage, streamFor('salvage'), entries),
  };
}

function make<Role extends PolicyRole>(
  role: Role,
  config: PolicyConfig,
  rng: Rng,
  entries: readonly PolicyEntry[],
): PolicyRoles[Role] {
  const entry = findPolicy(role, config.name, entries);
  if (entry === undefined) throw new Error(`no ${role} policy named '${config.name}': parse with the same entries`);
  return entry.make(config, { rng });
}
