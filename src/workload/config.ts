/**
 * What a workload is built from, after the scenario was checked: plain data, times and durations in whole
 * microseconds, rates per second, lengths in tokens. Open: clients send whatever happens. Closed: each user
 * waits for its answer, thinks, sends again. Trace: a recorded run is sent again. Mix: several of the first two.
 */
import type { Distribution } from '../kernel/distribution.ts';

/** How an open workload's arrivals are spaced. */
export type ArrivalsConfig =
  | { readonly process: 'poisson'; readonly ratePerSec: number }
  /** One each 1/rate, the first at 0. */
  | { readonly process: 'constant'; readonly ratePerSec: number }
  /** Gamma-distributed gaps; `cv` > 0 is their standard deviation ÷ mean, 1 is Poisson. */
  | { readonly process: 'gamma'; readonly ratePerSec: number; readonly cv: number }
  /**
   * A Poisson background (rate may be 0), and `burstSize` at once at `firstAt` and each `everyUs` (Infinity:
   * once) after it.
   */
  | {
      readonly process: 'bursts';
      readonly ratePerSec: number;
      readonly burstSize: number;
      readonly everyUs: number;
      readonly firstAt: number;
    }
  /** Poisson at a rate that changes: phase after phase, and nothing after the last. At least one. */
  | { readonly process: 'phases'; readonly phases: readonly RatePhase[] };

/** A stretch of time over which the rate goes from `fromPerSec` to `toPerSec`, both ≥ 0, in a straight line. */
export interface RatePhase {
  /** > 0. */
  readonly forUs: number;
  readonly fromPerSec: number;
  readonly toPerSec: number;
}

/**
 * A portion `share` (0–1) of requests begins with the first `tokens` tokens of one of `groups` texts, each
 * equally likely.
 */
export interface PrefixConfig {
  readonly groups: number;
  readonly tokens: number;
  readonly share: number;
  /** Tokens one hash id stands for; only whole blocks get an id. */
  readonly blockTokens: number;
}

/** `weight` > 0 is relative to the other tenants'. */
export interface TenantConfig {
  readonly name: string;
  readonly weight: number;
  readonly priority: number;
  /** Sends from here up to there only, microseconds; undefined: always. In open loops. */
  readonly fromUs?: number | undefined;
  readonly toUs?: number | undefined;
  /** Lengths of its own (tokens); undefined: those of the workload. */
  readonly prompt?: Distribution | undefined;
  readonly output?: Distribution | undefined;
}

/** Tenants of a scenario that names none. */
export const DEFAULT_TENANTS: readonly TenantConfig[] = [{ name: 'default', weight: 1, priority: 0 }];

/**
 * What synthetic requests ask. A drawn prompt is the whole one, its shared prefix included, and never below 1
 * token.
 */
export interface ShapeConfig {
  readonly prompt: Distribution;
  readonly output: Distribution;
  readonly prefix: PrefixConfig | undefined;
  /** At least one. */
  readonly tenants: readonly TenantConfig[];
}

/**
 * Whichever of the two bounds comes first; Infinity: not bounded so. Nothing is sent at or after
 * `durationUs`.
 */
export interface BoundsConfig {
  readonly requests: number;
  readonly durationUs: number;
}

/** At least one of its two bounds is finite, unless phases of arrivals end it. */
export interface OpenWorkloadConfig extends ShapeConfig, BoundsConfig {
  readonly kind: 'open';
  readonly arrivals: ArrivalsConfig;
}

/** At least one of its two bounds is finite. */
export interface ClosedWorkloadConfig extends ShapeConfig, BoundsConfig {
  readonly kind: 'closed';
  readonly users: number;
  /** From a user's answer to its next request. */
  readonly thinkUs: Distribution;
  /** The users' first requests are spread evenly over it; 0: all at once. */
  readonly rampUs: number;
}

/** Header names of a CSV trace. `timestamp` is a wall-clock text, counted from the first row's. */
export interface CsvColumns {
  readonly arrival: string;
  readonly arrivalUnit: 'us' | 'ms' | 's' | 'timestamp';
  readonly prompt: string;
  readonly output: string;
  readonly tenant?: string | undefined;
  readonly priority?: string | undefined;
}

export interface TraceWorkloadConfig {
  readonly kind: 'trace';
  readonly path: string;
  readonly format: 'azure' | 'mooncake' | 'csv' | 'spillway' | 'auto';
  /** For CSV; absent: those of `DEFAULT_CSV_COLUMNS`. */
  readonly columns?: CsvColumns | undefined;
  /** > 0; arrival times are divided by it. */
  readonly speed: number;
  /** Only so many from the start; Infinity: all. */
  readonly requests: number;
  /** What each client allows: longer outputs are cut to it. Absent: each client allows what was generated. */
  readonly maxOutput?: number | undefined;
}

/** Several at once; names are unique. */
export interface MixedWorkloadConfig {
  readonly kind: 'mix';
  readonly parts: readonly {
    readonly name: string;
    /** Its own time begins so much after the run's. */
    readonly fromUs: number;
    readonly workload: OpenWorkloadConfig | ClosedWorkloadConfig;
  }[];
}

export type WorkloadConfig = OpenWorkloadConfig | ClosedWorkloadConfig | TraceWorkloadConfig | MixedWorkloadConfig;
