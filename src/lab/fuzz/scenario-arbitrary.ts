/**
 * Draws whole scenarios, as plain data that a scenario file may hold: fleet, workload, what goes wrong, policies with
 * their settings. Swarm testing (A. Groce et al., ISSTA 2012): each run first draws which blocks and which kinds of
 * fault it has at all, so that some runs have few features and meet those in depth. Shrinking leaves whole blocks out
 * first, then faults, then makes numbers small.
 *
 * A scenario with the feature `recovery` is one to judge liveness by: a load that the fleet can carry two and a half
 * times, a quiet beginning, faults that are over by the middle, and time to come back.
 */
import fc from 'fast-check';
import { type PolicyEntry, policyEntries } from '../../../policies/index.ts';
import { applyOverride, type Override } from '../overrides.ts';
import { ScenarioError } from '../scenario-error.ts';
import { FAULT_KINDS, faultsArbitrary, placedFaults } from './drawn-faults.ts';
import { fleetArbitrary, halvesOf } from './drawn-fleet.ts';
import { BATCH_KEYS, POLICY_KEYS, policyArbitrary, type PolicyKey } from './drawn-policies.ts';
import { type Drawn, workloadArbitrary } from './drawn-workload.ts';
import { asRecoveryWorld } from './recovery-world.ts';
import { FEATURES } from './space-schema.ts';
import { type Space, WHOLE_SPACE } from './space.ts';
import { variedArbitrary } from './varied.ts';
import * as blocks from './drawn-surroundings.ts';

/** A scenario as plain data: what its file says. */
export type ScenarioDocument = Readonly<Record<string, unknown>>;

/** Kernel events of one run at most; none of those drawn needs a tenth of it. */
const EVENTS_MAX = 300_000;
const SEED_MAX = 999_999;
const CHECKED_REQUESTS_MAX = 40;
const CHECKED_ROWS_MAX = 8;
/** In half as many runs: one to judge recovery by is four minutes long, test mode checks after every event. */
const COSTLY: ReadonlySet<string> = new Set(['recovery', 'testMode']);
const TENANT_LIMIT = 'tenant-limit';
/** Always drawn when they may be: a scenario needs them. */
const NEEDED: ReadonlySet<string> = new Set(['fleet', 'workload']);

/** What one run drew, before it is a scenario. */
interface Draws {
  readonly seed: number;
  readonly features: readonly string[];
  readonly faults: readonly Drawn[];
  readonly varied: readonly Override[];
  readonly blocks: Drawn;
  readonly policies: Drawn;
}

/** `entries`: the policies that there are, those of the user's own after the shipped ones. Throws ScenarioError. */
export function documentArbitrary(
  space: Space = WHOLE_SPACE,
  entries: readonly PolicyEntry[] = policyEntries,
): fc.Arbitrary<ScenarioDocument> {
  const own = new Set(entries.filter((entry) => !policyEntries.includes(entry)).map(({ role }) => role));
  const isOwn = (key: PolicyKey): boolean => own.has(POLICY_KEYS[key]) && (key !== 'callRetry' || own.size === 1);
  const keys = (Object.keys(POLICY_KEYS) as PolicyKey[]).filter((key) => space.draw.includes(`policies.${key}`));
  const ownKeys = keys.filter(isOwn);
  const batchOnly = ownKeys.length > 0 && ownKeys.every((key) => BATCH_KEYS.has(key));
  const policies = Object.fromEntries(keys.map((key) => [key, keyArbitrary(key, space, entries, isOwn(key))]));
  const forced = [...NEEDED, ...ownKeys.map((key) => `policies.${key}`)];
  const optional = space.draw.filter((feature) => !forced.includes(feature));
  const kinds = [...(space.faults ?? FAULT_KINDS)];
  const always = space.draw.filter((feature) => forced.includes(feature));
  return fc
    .record(
      {
        features: swarm(optional).map((drawn) => FEATURES.filter((it) => [...drawn, ...always].includes(it))),
        blocks: fc.record(
          { workload: workloadArbitrary(batchOnly), fleet: fleetArbitrary, ...blocks.surroundings },
          { noNullPrototype: true },
        ),
        policies: fc.record(policies, { noNullPrototype: true }),
        faults: fc.subarray(kinds, { minLength: Math.min(1, kinds.length) }).chain(faultsArbitrary),
        varied: space.vary === undefined ? fc.constant([]) : variedArbitrary(space.vary),
        seed: fc.integer({ min: 0, max: SEED_MAX }),
      },
      { noNullPrototype: true },
    )
    .map((draws) => documentOf(draws, space));
}

/**
 * Some features, as often many as any number: fast-check likes the ends of a range, so that of any number few are
 * likely. What costs most is in fewer runs.
 */
function swarm(features: readonly string[]): fc.Arbitrary<readonly string[]> {
  const costly = features.filter((feature) => COSTLY.has(feature));
  const usual = features.filter((feature) => !COSTLY.has(feature));
  const some = fc.oneof(
    { withCrossShrink: true },
    fc.subarray(usual),
    fc.subarray(usual, { minLength: Math.floor(usual.length / 2) }),
  );
  const rarely = fc.oneof({ withCrossShrink: true }, fc.constant([]), fc.subarray(costly));
  return fc.tuple(some, rarely).map(([drawn, rare]) => [...drawn, ...rare]);
}

function keyArbitrary(key: PolicyKey, space: Space, entries: readonly PolicyEntry[], isOwn: boolean) {
  const names = space.policies?.[key];
  if (names !== undefined) {
    const known = entries.filter(({ role }) => role === POLICY_KEYS[key]).map(({ name }) => name);
    const unknown = names.find((name) => !known.includes(name));
    if (unknown !== undefined) {
      throw new ScenarioError([`--space policies.${key}: value "${unknown}"; allowed ${known.join(', ')}`]);
    }
    return policyArbitrary(key, entries, names);
  }
  return policyArbitrary(key, isOwn ? entries.filter((entry) => !policyEntries.includes(entry)) : entries);
}

function documentOf(draws: Draws, space: Space): ScenarioDocument {
  const { features, seed, varied } = draws;
  const has = (feature: string): boolean => features.includes(feature);
  const world: Record<string, unknown> = { seed, ...space.base };
  for (const [name, block] of Object.entries(draws.blocks)) if (has(name)) world[name] = block;
  const policies = { ...(space.base['policies'] as Drawn | undefined), ...drawnPolicies(draws, world['workload']) };
  if (has('policies.timeouts')) policies['timeouts'] = draws.blocks['timeouts'];
  if (has('policies.excludeFailedWorkers')) policies['excludeFailedWorkers'] = false;
  delete world['timeouts'];
  if (Object.keys(policies).length > 0) world['policies'] = policies;
  world['limits'] = { events: EVENTS_MAX, ...(world['limits'] as Drawn | undefined) };
  if (has('testMode')) world['testMode'] = affordable(world['testMode'] as Drawn, world['workload'] as Drawn);
  const laid = overlaid(world, varied);
  if (has('faults')) {
    laid['faults'] = placedFaults(draws.faults, halvesOf(laid['fleet']));
  }
  // A workload that is given stays as it is.
  const built = has('recovery') && has('workload') ? asRecoveryWorld(laid) : laid;
  return { name: 'drawn', why: 'Drawn by spillway fuzz.', source: 'spillway fuzz', ...built, invariants: 'all' };
}

/** To check everything after every event costs more than the run: small ones can afford it. */
function affordable({ check, ...rest }: Drawn, { requests, rows }: Drawn): Drawn {
  const isSmall = Number(requests ?? 0) <= CHECKED_REQUESTS_MAX && Number(rows ?? 0) <= CHECKED_ROWS_MAX;
  return check === true && isSmall ? { ...rest, check } : rest;
}

/**
 * Policies of datasets say nothing about other workloads. A dataset has no tenant limit: it keeps what that turns away
 * and asks again, for hours where its calls fail otherwise.
 */
function drawnPolicies({ policies, features }: Draws, workload: unknown): Record<string, unknown> {
  const isDataset = (workload as { kind?: unknown } | undefined)?.kind === 'dataset';
  const drawn = Object.entries(policies).filter(([key]) => features.includes(`policies.${key}`));
  const fitting = drawn.filter(([key, policy]) => {
    return isDataset ? (policy as Drawn)['name'] !== TENANT_LIMIT : !BATCH_KEYS.has(key);
  });
  return Object.fromEntries(fitting);
}

function overlaid(world: Drawn, varied: readonly Override[]): Record<string, unknown> {
  let input: unknown = world;
  for (const override of varied) {
    const applied = applyOverride(input, override);
    if ('error' in applied) throw new ScenarioError([`${override.where} ${applied.error}`]);
    input = applied.value;
  }
  return { ...(input as Record<string, unknown>) };
}
