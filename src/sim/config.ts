/**
 * What a world is built from, after the scenario was checked: plain data, durations in microseconds, no optional field
 * without a meaning. `lab/scenario.ts` produces it; tests may write it by hand.
 */
import type { DatasetConfig } from '../dataset/config.ts';
import type { EndpointConfig } from '../worker/endpoint.ts';
import type { EngineConfig } from '../worker/engine-config.ts';

export type WorkerConfig = EngineConfig | EndpointConfig;

export interface NetworkConfig {
  /** One way, client to gateway and back. */
  readonly clientUs: number;
  /** One way, gateway to worker and back. */
  readonly workerUs: number;
}

/**
 * The gateway's (and the dataset builder's) event loop: one thread, busy for counts × costs after each input. All
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
}

/** A window [at, at + forUs). `worker` is an index. */
export type FaultConfig =
  /** Loses everything running, waiting and cached; refuses connections until it is back. forUs Infinity: never back. */
  | { readonly kind: 'crash'; readonly at: number; readonly forUs: number; readonly worker: number }
  /** Every step started in the window takes `factor` times as long. */
  | {
      readonly kind: 'slow';
      readonly at: number;
      readonly forUs: number;
      readonly worker: number;
      readonly factor: number;
    }
  /** Each attempt that reaches the worker in the window fails with probability `ratio`, with HTTP status `status`. */
  | {
      readonly kind: 'errors';
      readonly at: number;
      readonly forUs: number;
      readonly worker: number;
      readonly ratio: number;
      readonly status: number;
      /** Retry-After that the failure carries, or -1. */
      readonly retryAfterUs: number;
    }
  /** The gateway's host CPU does nothing else from `at` for `forUs`, then again every `everyUs` (Infinity: once). */
  | {
      readonly kind: 'stall';
      readonly at: number;
      readonly forUs: number;
      readonly everyUs: number;
      readonly times: number;
    };

export interface LimitsConfig {
  /**
   * After the last arrival (of a dataset: the last first call or answer); what is still held then is listed and the run
   * ends unfinished.
   */
  readonly drainUs: number;
  /** Kernel events; Infinity: no bound. */
  readonly eventsMax: number;
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
  readonly network: NetworkConfig;
  /** Every worker's load report; Infinity: none. */
  readonly reportEveryUs: number;
  /** From a crash or a return until the gateway's health check notices; Infinity: it never does. */
  readonly detectionUs: number;
  /** The client leaves then; Infinity: it waits for ever. */
  readonly clientTimeoutUs: number;
  readonly host: HostCosts;
  readonly faults: readonly FaultConfig[];
  readonly dataset: DatasetConfig | undefined;
  readonly limits: LimitsConfig;
  readonly slo: SloConfig;
  /** Assert every invariant after every event (slow). */
  readonly check: boolean;
  /** Engines skip iterations in which nothing can change; false steps through each one (for tests of that claim). */
  readonly fastForward: boolean;
}
