/**
 * What a world is built from, after the scenario was checked: plain data, durations in microseconds, no optional field
 * without a meaning. `lab/scenario.ts` produces it; tests may write it by hand.
 */
import type { DatasetSettings } from '../dataset/settings.ts';
import type { DatasetPlan } from '../dataset/types.ts';
import type { Distribution } from '../kernel/distribution.ts';
import type { DisaggregatedConfig } from '../worker/disaggregated/disaggregated-config.ts';
import type { DynamoEngineConfig } from '../worker/dynamo/dynamo-engine-config.ts';
import type { EndpointConfig } from '../worker/endpoint.ts';
import type { EngineConfig } from '../worker/engine-config.ts';
import type { SglangConfig } from '../worker/sglang/sglang-config.ts';
import type { FaultConfig } from './fault-config.ts';
import type { Latency } from './network.ts';
import type { QuotaConfig } from './quota.ts';
import type { TestMode } from './test-mode.ts';

export type WorkerConfig =
  | EngineConfig
  | SglangConfig
  | DynamoEngineConfig
  | DisaggregatedConfig
  | EndpointConfig;

export interface NetworkConfig {
  /** One way, client to gateway and back. */
  readonly clientUs: Latency;
  /** One way, gateway to worker and back. */
  readonly workerUs: Latency;
}

/**
 * The event loop of the gateway, or of the dataset builder: one thread, busy for counts × costs after each input. All
 * zero: an infinitely fast host.
 */
export interface HostCosts {
  /** Per input handled. */
  readonly inputUs: number;
  /** Per queue selection attempted. */
  readonly selectionUs: number;
  /** Per bookkeeping call. */
  readonly bookkeepingUs: number;
  /** Per queued entry that a bookkeeping call walks. */
  readonly queuedUs: number;
  /** Per task or attempt started. */
  readonly startUs: number;
  /**
   * Resolution of its clock: what is due between two ticks is seen at the later one, and the cost of each unit of work
   * is rounded up to whole ticks. 0: whole microseconds, the cost of an input rounded as one.
   */
  readonly resolutionUs: number;
}

/** Load reports of all workers, and what the gateway goes by; see `load-reports.ts`. */
export interface ReportsConfig {
  /** Between two reports of a worker; Infinity: none. */
  readonly everyUs: number;
  /** A worker whose load is what it last reported says nothing. Absent: it repeats it. */
  readonly onChange?: boolean | undefined;
  /** What a report takes beyond a message's latency. */
  readonly delayUs: Latency;
  /** Probability that a report is lost, 0 to 1. */
  readonly lossRatio: number;
  /** Probability that a second copy is sent, which has a delay of its own. */
  readonly duplicateRatio: number;
  /** `gateway`: a report is as new as its arrival. `worker`: as its worker's clock says; older ones are dropped. */
  readonly stamps: 'gateway' | 'worker';
}

/** Rows × columns to be generated; each column has its own lengths, tokens. */
export interface DatasetConfig {
  readonly plan: DatasetPlan;
  readonly settings: DatasetSettings;
  /** Costs of the builder's own event loop. */
  readonly host: HostCosts;
  /** By column. */
  readonly lengths: readonly { readonly promptTokens: Distribution; readonly outputTokens: Distribution }[];
}

export interface LimitsConfig {
  /**
   * After the last arrival (of a dataset: the last first call or answer); what is still held then is listed and the run
   * ends unfinished.
   */
  readonly drainUs: number;
  /** Kernel events; Infinity: no bound. */
  readonly eventsMax: number;
  /** Latencies leave out requests sent before it. */
  readonly warmupUs: number;
}

/** Service-level objectives, microseconds; Infinity: not asked. */
export interface SloConfig {
  readonly ttftUs: number;
  readonly tpotUs: number;
  readonly e2eUs: number;
}

export interface WorldConfig {
  readonly seed: number;
  readonly workers: readonly WorkerConfig[];
  /** By worker; undefined, or absent: it takes whatever it has room for. */
  readonly quotas?: readonly (QuotaConfig | undefined)[] | undefined;
  readonly network: NetworkConfig;
  readonly reports: ReportsConfig;
  /**
   * From a crash or a return until the gateway's health check notices; Infinity: it never does. A health policy makes
   * its own findings instead.
   */
  readonly detectionUs: number;
  /** The client leaves then; Infinity: it waits for ever. */
  readonly clientTimeoutUs: number;
  /** Nobody tells the gateway that a client left: what it asked for is worked on to the end. Absent: it is told. */
  readonly leavesUnheard?: boolean | undefined;
  /** The gateway's. */
  readonly host: HostCosts;
  readonly faults: readonly FaultConfig[];
  readonly dataset: DatasetConfig | undefined;
  readonly limits: LimitsConfig;
  readonly slo: SloConfig;
  /** Assert every invariant after every event (slow). */
  readonly check: boolean;
  /** Undefined: nothing is late. */
  readonly testMode?: TestMode | undefined;
  /** Engines skip iterations in which nothing can change; false steps through each one (for tests of that claim). */
  readonly fastForward: boolean;
}
