/**
 * From a scenario, a variant and what the command line overrides to the plain data a world is built from.
 * Order: the file, the variant's `set`, `--trace`, each `--set`, `--seed`; later ones win.
 *
 * The scenario hash is SHA-256 over what all variants resolve to, with the overrides applied: equal for the
 * variants of one comparison, so that (hash, variant, seed) names a run. Prose, expectations, the seed,
 * layout and the way a duration is written do not count; a trace and a file of the user's own policies count by their
 * content, not by their name.
 */
import { statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { FaultSiteFacts } from '../results/run-facts.ts';
import type { WindowConfig } from '../results/windows.ts';
import type { WorldConfig } from '../sim/config.ts';
import type { FaultConfig } from '../sim/fault-config.ts';
import type { WorkloadConfig } from '../workload/config.ts';
import { hashOf, hashOfFile } from './canonical-hash.ts';
import { planFaults } from './fault-windows.ts';
import { quotaConfigs, workerConfigs, workerCount } from './fleet-schema.ts';
import type { ClientPolicies } from './client-retry.ts';
import { networkConfig, reportsConfig } from './network-schema.ts';
import { hostCosts } from './host-schema.ts';
import type { Override } from './overrides.ts';
import type { RecoveryPlan } from './recovery.ts';
import { parseSetting, parseWorld, type Scenario, variantOverrides } from './scenario.ts';
import { reasonOf, ScenarioError, shownValue } from './scenario-error.ts';
import { BASE_VARIANT, type ParsedScenario } from './scenario-schema.ts';
import type { PolicyFile } from './user-policies.ts';
import { datasetConfig } from './dataset-config.ts';
import { windowConfigs } from './window-schema.ts';
import { workloadConfig } from './workload-config.ts';

export interface ResolveOptions {
  /** Texts of `--set`, each `path=value`, applied in order. */
  readonly set?: readonly string[] | undefined;
  /** Trace file that replaces the workload; relative to the working folder. */
  readonly trace?: string | undefined;
  readonly seed?: number | undefined;
  /** Assert every invariant after every event. */
  readonly check?: boolean | undefined;
  /** Default true. */
  readonly fastForward?: boolean | undefined;
}

/** One variant, ready to run: plain data that any thread or process can be given. */
export interface ResolvedScenario {
  readonly name: string;
  readonly variant: string;
  /** Of the scenario with the overrides, all variants; hexadecimal SHA-256. */
  readonly hash: string;
  /** Of this variant's world alone: two variants of equal world are one history. */
  readonly worldHash: string;
  /** Its faults are plain windows: all schedules are written out, all draws made. */
  readonly config: WorldConfig;
  /** The faults of the scenario, in order: which are on in this run, and how many windows each has. */
  readonly faultSites: readonly FaultSiteFacts[];
  /** The checked `policies:` block. */
  readonly policies: ParsedScenario['policies'];
  /** Where policies of the user's own come from; undefined: all are shipped. */
  readonly policyFile: PolicyFile | undefined;
  /** Undefined when `config.dataset` is the workload. */
  readonly workload: WorkloadConfig | undefined;
  /** How clients retry; undefined: each sends once. */
  readonly clients?: ClientPolicies | undefined;
  /** Stretches that results are told apart by. */
  readonly windows?: readonly WindowConfig[] | undefined;
  /** How the run must recover; undefined: that is not judged. */
  readonly recovery?: RecoveryPlan | undefined;
  /** Names of invariants that the run is held to, or all of them. */
  readonly invariants?: ParsedScenario['invariants'];
  /** Test mode: events of one instant that no rule orders are permuted. */
  readonly shuffledTies?: boolean | undefined;
}

/** Resolves one variant (`base`: the scenario as written). Throws ScenarioError, for a missing trace too. */
export function resolveVariant(
  scenario: Scenario,
  variant: string = BASE_VARIANT,
  options: ResolveOptions = {},
): ResolvedScenario {
  return resolveVariants(scenario, [variant], options)[0] as ResolvedScenario;
}

/**
 * Resolves several variants, one entry each in that order; a trace they share is read once. Throws
 * ScenarioError.
 */
export function resolveVariants(
  scenario: Scenario,
  variants: readonly string[],
  options: ResolveOptions = {},
): ResolvedScenario[] {
  const traceHashes: TraceHashes = new Map();
  const worlds = variants.map((variant) => new VariantWorld(scenario, variant, options, traceHashes));
  const others = [BASE_VARIANT, ...scenario.variantNames].filter((name) => !variants.includes(name));
  const contents: [string, unknown][] = [
    ...worlds.map((world): [string, unknown] => [world.variant, world.content]),
    ...others.map((name): [string, unknown] => [name, contentOf(scenario, name, options, traceHashes)]),
  ];
  const hash = hashOf(Object.fromEntries(contents));
  return worlds.map(({ variant, parsed, tracePath, content }) => {
    const named = { name: scenario.name, variant, hash, worldHash: hashOf(content), policyFile: scenario.policyFile };
    return { ...named, ...worldOf(parsed, tracePath, options) };
  });
}

/** A scenario without variants that is checked already, and whose workload is no trace: one that was drawn. */
export function resolveParsed(parsed: ParsedScenario, policyFile: PolicyFile | undefined): ResolvedScenario {
  const content = contentOfWorld(parsed, parsed.workload, policyFile);
  const named = { name: parsed.name, variant: BASE_VARIANT, worldHash: hashOf(content), policyFile };
  return { ...named, hash: hashOf({ [BASE_VARIANT]: content }), ...worldOf(parsed, '', {}) };
}

/** A variant the overrides do not fit takes no part in the hash; whoever runs it is told. */
function contentOf(
  scenario: Scenario,
  variant: string,
  options: ResolveOptions,
  hashes: TraceHashes,
): unknown {
  try {
    return new VariantWorld(scenario, variant, options, hashes).content;
  } catch (error) {
    if (error instanceof ScenarioError) return null;
    throw error;
  }
}

/** Content hash of each trace file read so far. */
type TraceHashes = Map<string, string>;

/** A variant with the overrides applied, checked, its trace found. */
class VariantWorld {
  readonly variant: string;
  readonly parsed: ParsedScenario;
  /** '' when the workload is no trace. */
  readonly tracePath: string;
  /** What the scenario hash sees of it. */
  readonly content: unknown;

  constructor(scenario: Scenario, variant: string, options: ResolveOptions, hashes: TraceHashes) {
    const { yaml, base, file, policyFile } = scenario;
    this.variant = variant;
    this.parsed = parseWorld(scenario, [...variantOverrides(yaml, base, variant), ...commandOverrides(options)]);
    const { workload } = this.parsed;
    if (workload.kind !== 'trace') {
      this.tracePath = '';
      this.content = contentOfWorld(this.parsed, workload, policyFile);
      return;
    }
    const given = workload.path;
    const ofCommand = given === options.trace;
    this.tracePath = ofCommand || isAbsolute(given) ? given : join(dirname(file), given);
    const where = ofCommand ? '--trace:' : `${yaml.locate(['workload', 'path'])} workload.path:`;
    const traceHash = hashes.get(this.tracePath) ?? hashOfTrace(this.tracePath, where);
    hashes.set(this.tracePath, traceHash);
    this.content = contentOfWorld(this.parsed, { ...workload, path: traceHash }, policyFile);
  }
}

function contentOfWorld(
  parsed: ParsedScenario,
  workload: ParsedScenario['workload'],
  policyFile: PolicyFile | undefined,
): unknown {
  const { fleet, network, reports, health, host, clientTimeout, faults, policies, slo, limits } = parsed;
  const { clients, recovery, testMode } = parsed;
  const judged = { recovery, testMode };
  const rest = { network, reports, health, host, clientTimeout, faults, policies, clients, slo, limits };
  const workers = { fleet: workerConfigs(fleet), quotas: quotaConfigs(fleet) };
  return { ...workers, workload, ...rest, ...judged, policyFile: policyFile?.hash };
}

function commandOverrides({ trace, set = [], seed }: ResolveOptions): Override[] {
  const overrides: Override[] = [];
  if (trace !== undefined) {
    overrides.push({ path: ['workload'], value: { kind: 'trace', path: trace }, where: '--trace:' });
  }
  overrides.push(...set.map(parseSetting));
  if (seed !== undefined) overrides.push({ path: ['seed'], value: seed, where: '--seed:' });
  return overrides;
}

function hashOfTrace(path: string, where: string): string {
  let reason: string;
  try {
    if (statSync(path).isFile()) return hashOfFile(path);
    reason = 'it is no regular file';
  } catch (error) {
    reason = reasonOf(error);
  }
  const allowed = 'allowed a trace file that can be read';
  throw new ScenarioError([`${where} value ${shownValue(path)}: ${reason}; ${allowed}`]);
}

function worldOf(
  parsed: ParsedScenario,
  tracePath: string,
  options: ResolveOptions,
): Omit<ResolvedScenario, 'name' | 'variant' | 'hash' | 'worldHash' | 'policyFile'> {
  const { policies, clients, windows, recovery, invariants, testMode } = parsed;
  const plan = planFaults(parsed.faults, workerCount(parsed.fleet), parsed.seed);
  return {
    config: worldConfig(parsed, options, plan.windows),
    faultSites: plan.sites,
    policies,
    workload: workloadConfig(parsed.workload, tracePath),
    clients: clients === undefined || clients.retry.name === 'none' ? undefined : clients,
    windows: windowConfigs(windows),
    recovery: recovery && { withinUs: recovery.within, ratio: recovery.ratio },
    invariants,
    shuffledTies: testMode?.ties === 'shuffled',
  };
}

function worldConfig(
  parsed: ParsedScenario,
  options: ResolveOptions,
  faults: readonly FaultConfig[],
): WorldConfig {
  const workers = workerConfigs(parsed.fleet);
  const { network, host, slo, limits, testMode } = parsed;
  return {
    seed: parsed.seed,
    workers,
    quotas: quotaConfigs(parsed.fleet),
    network: networkConfig(network),
    reports: reportsConfig(parsed.reports),
    detectionUs: parsed.health.detection,
    clientTimeoutUs: parsed.clientTimeout,
    leavesUnheard: parsed.clients?.leave === 'unheard' ? true : undefined,
    host: hostCosts(host),
    faults,
    dataset: datasetConfig(parsed.workload),
    limits: { drainUs: limits.drain, eventsMax: limits.events, warmupUs: limits.warmup },
    slo: { ttftUs: slo.ttft, tpotUs: slo.tpot, e2eUs: slo.e2e },
    check: options.check === true || testMode?.check === true,
    testMode: testMode && { wakeDelayUs: testMode.wakeDelay, cancelDelayUs: testMode.cancelDelay },
    fastForward: options.fastForward ?? true,
  };
}
