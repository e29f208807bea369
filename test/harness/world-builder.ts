/**
 * Worlds for tests: a small one by default, any part of it replaced, run to its end with everything it told kept.
 * Latency, host costs and load reports are off unless asked for, so that instants in tests can be added up by hand.
 */
import { makeBatchPolicies, makePolicies, policiesSchema, policyEntries } from '../../policies/index.ts';
import type { PoliciesConfig } from '../../policies/index.ts';
import type { PolicySet } from '../../policies/types.ts';
import type { TieBreak } from '../../src/kernel/event-queue.ts';
import { stream } from '../../src/kernel/rng.ts';
import type { RequestRecord } from '../../src/results/record.ts';
import { Recorder } from '../../src/results/recorder.ts';
import type { HostCosts, ReportsConfig, WorldConfig } from '../../src/sim/config.ts';
import type { EntryTap } from '../../src/sim/journal.ts';
import { World, type WorldState } from '../../src/sim/world.ts';
import type { EndpointConfig } from '../../src/worker/endpoint.ts';
import type { EngineConfig } from '../../src/worker/engine-config.ts';
import type { Arrival, Workload } from '../../src/workload/arrival.ts';
import { ClosedWorkload } from '../../src/workload/closed.ts';
import type { ClosedWorkloadConfig, OpenWorkloadConfig } from '../../src/workload/config.ts';
import { OpenWorkload } from '../../src/workload/open.ts';

export const MS = 1_000;
export const SEC = 1_000_000;

export const FREE_HOST: HostCosts = {
  ...{ inputUs: 0, selectionUs: 0, bookkeepingUs: 0, queuedUs: 0, startUs: 0 },
  resolutionUs: 0,
};

const NO_REPORTS: ReportsConfig = reportsEvery(Infinity);

/** Load reports that are neither late nor lost. */
export function reportsEvery(everyUs: number): ReportsConfig {
  return { everyUs, delayUs: 0, lossRatio: 0, duplicateRatio: 0, stamps: 'gateway' };
}

/** A window again and again: its begin every `everyUs`, so many times. */
export function repeated<F extends { readonly at: number }>(fault: F, everyUs: number, times: number): F[] {
  return Array.from({ length: times }, (_, n) => ({ ...fault, at: fault.at + n * everyUs }));
}

export interface WorldSpec extends Partial<WorldConfig> {
  /** The `policies:` block; everyone is admitted and nothing is retried unless it says otherwise. */
  readonly policies?: Readonly<Record<string, unknown>> | undefined;
  /** Objects laid over those of the block. */
  readonly objects?: Partial<PolicySet> | undefined;
  readonly workload?: Workload | OpenWorkloadConfig | ClosedWorkloadConfig | undefined;
  readonly recorder?: Recorder | undefined;
  readonly tap?: EntryTap | undefined;
  readonly tieBreak?: TieBreak | undefined;
}

export interface BuiltWorld {
  readonly world: World;
  readonly recorder: Recorder;
  readonly config: WorldConfig;
  /** A copy of each finished request, in order of finishing. */
  readonly records: RequestRecord[];
}

export interface FinishedWorld extends BuiltWorld {
  readonly state: WorldState;
}

const PLAIN_POLICIES = {
  capacity: { name: 'fixed' },
  queue: { name: 'none' },
  router: { name: 'round-robin' },
  retry: { name: 'none' },
} as const;

/** A whole world configuration from what a test cares about. */
function worldConfig(over: Partial<WorldConfig> = {}): WorldConfig {
  return {
    seed: 1,
    workers: [endpoint()],
    network: { clientUs: 0, workerUs: 0 },
    reports: NO_REPORTS,
    detectionUs: Infinity,
    clientTimeoutUs: Infinity,
    host: FREE_HOST,
    faults: [],
    dataset: undefined,
    limits: { drainUs: 3600 * SEC, eventsMax: Infinity, warmupUs: 0 },
    slo: { ttftUs: Infinity, tpotUs: Infinity, e2eUs: Infinity },
    check: true,
    fastForward: true,
    ...over,
  };
}

/** One slot, unbounded queue, 10 ms of service. */
export function endpoint(over: Partial<EndpointConfig> = {}): EndpointConfig {
  return {
    model: 'endpoint',
    maxRunning: 1,
    maxWaiting: Infinity,
    serviceUs: { dist: 'constant', value: 10 * MS },
    ...over,
  };
}

/** A pass takes 1 ms plus 10 µs a token. */
export function engine(over: Partial<EngineConfig> = {}): EngineConfig {
  return {
    model: 'engine',
    maxRunning: 4,
    maxBatchedTokens: 64,
    blocks: 64,
    blockTokens: 4,
    maxModelTokens: Infinity,
    maxWaiting: Infinity,
    chunkedPrefill: true,
    prefixCache: true,
    timing: { kind: 'affine', baseUs: 1 * MS, perTokenUs: 10, perKvTokenUs: 0 },
    ...over,
  };
}

function policiesConfig(block: Readonly<Record<string, unknown>> = {}): PoliciesConfig {
  return policiesSchema(policyEntries).parse({ ...PLAIN_POLICIES, ...block });
}

export function buildWorld(spec: WorldSpec = {}): BuiltWorld {
  const { policies, objects, workload, recorder: given, tap, tieBreak, ...over } = spec;
  const config = worldConfig(over);
  const records: RequestRecord[] = [];
  const recorder = given ?? new Recorder(config.slo, (record) => records.push({ ...record }));
  const block = policiesConfig(policies);
  const streamFor = (name: string) => stream(config.seed, `policies/${name}`);
  const world = new World(config, {
    policies: { ...makePolicies(block, streamFor), ...objects },
    batch: makeBatchPolicies(block, streamFor),
    workload: config.dataset === undefined ? source(workload ?? new Script([]), config.seed) : undefined,
    recorder,
    tap,
    tieBreak,
  });
  return { world, recorder, config, records };
}

/** Advances until nothing more happens; a world that starves has the wrong workload for this. */
export function finish(built: BuiltWorld, sliceEvents = 1_000_000): FinishedWorld {
  let state: WorldState = 'running';
  while (state === 'running') state = built.world.advance(sliceEvents);
  return { ...built, state };
}

export function runWorld(spec: WorldSpec = {}): FinishedWorld {
  return finish(buildWorld(spec));
}

function source(workload: NonNullable<WorldSpec['workload']>, seed: number): Workload {
  if (!('kind' in workload)) return workload;
  return workload.kind === 'open' ? new OpenWorkload(workload, seed) : new ClosedWorkload(workload, seed);
}

/** Arrivals written down one by one, in time order. */
export class Script implements Workload {
  readonly #arrivals: readonly Arrival[];
  #taken = 0;

  constructor(arrivals: readonly Partial<Arrival>[]) {
    this.#arrivals = arrivals.map(arrivalOf);
  }

  nextAt(): number {
    return this.#arrivals[this.#taken]?.at ?? Infinity;
  }

  take(): Arrival {
    return this.#arrivals[this.#taken++] as Arrival;
  }

  starved(): boolean {
    return false;
  }

  ended(): boolean {
    return this.#taken === this.#arrivals.length;
  }

  total(): number {
    return this.#arrivals.length;
  }
}

/** Requests of default shape at these instants. */
export function sendAt(...instants: number[]): Script {
  return new Script(instants.map((at) => ({ at })));
}

export function arrivalOf(over: Partial<Arrival> = {}): Arrival {
  const outputTokens = over.outputTokens ?? 5;
  return {
    at: 0,
    promptTokens: 10,
    outputTokens,
    maxOutputTokens: outputTokens,
    hashIds: [],
    hashBlockTokens: 0,
    tenant: 'default',
    priority: 0,
    routingKey: '',
    user: -1,
    ...over,
  };
}
