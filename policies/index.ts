/**
 * The registry: every policy Spillway ships, by role and name, and how a checked `policies:` block becomes
 * live objects. The order is the order of listings. Both the simulator and the proxy build their policies
 * here; a user's own entries are appended to `policyEntries` and passed on.
 */
import { concurrencyLimit } from './gate/concurrency-limit.ts';
import { fixed } from './capacity/fixed.ts';
import { tiers } from './capacity/tiers.ts';
import type { PolicyEntry, PolicyRole, PolicyRoles } from './entry.ts';
import { fifo } from './queue/fifo.ts';
import { noQueue } from './queue/none.ts';
import { exponential } from './retry/exponential.ts';
import { noRetry } from './retry/none.ts';
import { sglang8744 } from './retry/sglang-8744.ts';
import { leastLoad } from './router/least-load.ts';
import { powerOfTwo } from './router/power-of-two.ts';
import { random } from './router/random.ts';
import { roundRobin } from './router/round-robin.ts';
import { rounds } from './salvage/rounds.ts';
import type { PoliciesConfig, PolicyConfig } from './schema.ts';
import type { PolicySet, Rng, Salvage } from './types.ts';

export type * from './entry.ts';
export type * from './types.ts';
export { policiesSchema, type PoliciesConfig, type PolicyConfig } from './schema.ts';

export const policyEntries: readonly PolicyEntry[] = [
  tiers,
  fixed,
  fifo,
  noQueue,
  powerOfTwo,
  leastLoad,
  roundRobin,
  random,
  concurrencyLimit,
  exponential,
  noRetry,
  sglang8744,
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
    queue: make('queue', config.queue, streamFor('queue'), entries),
    router: make('router', config.router, streamFor('router'), entries),
    gates: config.gates.map((gate, i) => make('gate', gate, streamFor(`gates/${i}`), entries)),
    retry: make('retry', config.retry, streamFor('retry'), entries),
    timeouts: config.timeouts,
  };
}

/** A fresh salvage policy for one batch core; its stream is named `salvage`. */
export function makeSalvage(
  config: PoliciesConfig,
  streamFor: StreamFor,
  entries: readonly PolicyEntry[] = policyEntries,
): Salvage {
  return make('salvage', config.salvage, streamFor('salvage'), entries);
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
