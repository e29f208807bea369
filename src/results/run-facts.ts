/** What a run's host knows beside its recorder, from which the result document is built. Durations in microseconds. */
import type { WindowResult } from './windows.ts';

/** One worker over the whole run. Means are time-weighted. */
export interface WorkerFacts {
  readonly index: number;
  /** KV blocks it has; 0: it has no KV cache (an endpoint), and its utilisation is null. */
  readonly kvTotalBlocks: number;
  /** Ratios, 0 to 1. */
  readonly kvUtilizationMean: number;
  readonly kvUtilizationMax: number;
  /** Requests. */
  readonly runningMean: number;
  readonly waitingMean: number;
  /** Ratio of the run in which a step was under way. */
  readonly busyRatio: number;
  readonly iterations: number;
  readonly preemptions: number;
  /** Tokens. */
  readonly prefixHitTokens: number;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  readonly recomputedTokens: number;
}

/** What became of a dataset's rows. */
export interface RowFacts {
  readonly total: number;
  readonly completed: number;
  readonly dropped: number;
  /** Times a task was deferred. */
  readonly deferredCount: number;
  /** Times a deferred task was kept for another cycle. */
  readonly preservedCount: number;
  readonly salvageRounds: number;
  /** Starts of tasks, again after a deferral included. */
  readonly tasksStarted: number;
  /** Calls that waited too long for request admission. */
  readonly admissionTimeouts: number;
  /** Most who waited there at once, as sampled by the scheduler. */
  readonly waitersMax: number;
  /** Rows dropped, by reason. */
  readonly reasons: Readonly<Record<string, number>>;
}

/** A fault of the scenario, as it came out for the run's seed. */
export interface FaultSiteFacts {
  readonly name: string;
  readonly kind: string;
  /** It is there in this run. */
  readonly active: boolean;
  /** Windows in which it was planned to strike, one for each begin and worker. */
  readonly windows: number;
}

/** Clients that send again what was not answered. */
export interface ClientFacts {
  /** Different things they asked. */
  readonly asked: number;
  /** How often they sent them, all together. */
  readonly sends: number;
  /** Asks that ended ok, and asks they gave up. */
  readonly ok: number;
  readonly gaveUp: number;
}

/** Whether the run came back after the last trouble. */
export interface RecoveryFacts {
  readonly verdict: 'recovered' | 'metastable' | 'undecided';
  /** End of the trouble; time from then until it was back for good, Infinity when it was not. */
  readonly clearedAt: number;
  readonly recoveredUs: number;
  /** Fractions of good requests, 0 to 1. */
  readonly levelBefore: number;
  readonly levelAfter: number;
  readonly amplificationAfter: number;
}

/** A real endpoint that was driven in real time. */
export interface TargetFacts {
  readonly url: string;
  /** How much later than intended requests left the client, microseconds; null: none was sent. */
  readonly lateP99Us: number | null;
  readonly lateMaxUs: number | null;
}

export interface RunFacts {
  readonly scenario: string;
  readonly scenarioHash: string;
  readonly variant: string;
  readonly seed: number;
  readonly digest: string;
  readonly digestEntries: number;
  /** Kernel events handled. */
  readonly events: number;
  /** Instant at which the run ended. */
  readonly simulatedUs: number;
  /** What every keeper, worker and KV pool still holds, by name (`gateway.waiting`); all zero after a drained run. */
  readonly held: Readonly<Record<string, number>>;
  readonly workers: readonly WorkerFacts[];
  /** Parameters of the policies, as configured: plain data, infinite numbers for no bound. */
  readonly policies: object;
  /** Undefined: no dataset. */
  readonly rows?: RowFacts | undefined;
  /** In the order of the scenario; absent like an empty list. */
  readonly faults?: readonly FaultSiteFacts[] | undefined;
  /** Undefined: clients send once. */
  readonly clients?: ClientFacts | undefined;
  /** By name, in the order of the scenario; absent like an empty one. */
  readonly windows?: Readonly<Record<string, WindowResult>> | undefined;
  /** Undefined: a simulated run. */
  readonly target?: TargetFacts | undefined;
  /** Undefined: not judged. */
  readonly recovery?: RecoveryFacts | undefined;
}
