/**
 * The port between a gateway and its policies: methods in, records out. No policy owns a timer, a promise, a clock or
 * global state; every method that needs time takes `now` first and `now` never decreases. The same objects run in the
 * simulator and behind the live proxy.
 *
 * Two kinds of module. A *decider* answers a question now (router `pick`, gate `allows`, retry `delayUs`, capacity
 * `current`) and reads time-dependent state lazily. A *keeper* owns things that wait or are held (the gateway
 * queue): inputs are methods, what became due comes out of `take`, `nextWakeAt` says when `wake` would do
 * something, `held` counts what it still holds.
 *
 * Where this differs from the first sketch of the port: a queue learns that an admitted request is over from
 * `leave`, since a settled lease does not say whether a retry follows and the permit is held across retries; and
 * capacity is a role of its own (`Capacity`), whose answer the core hands to the queue, so that any capacity rule
 * works with any queue.
 */
import type { Health } from './health/types.ts';
import type { RateLimit } from './rate/types.ts';

/** Microseconds since the run began. Instants end in `At` (or are `now`), durations in `Us`. Any finite value. */
export type Micros = number;
/** Uniform draw in [0, 1). Each policy owns one named stream; it never sees the world's. */
export type Rng = () => number;

/** What a policy may know of a request: what a real gateway can see before it is served. */
export interface RequestView {
  /** Unique in the run, counted from 0 in order of arrival. */
  readonly id: number;
  readonly tenant: string;
  readonly arrivedAt: Micros;
  /** The gateway gives up then; Infinity when there is no deadline. */
  readonly deadlineAt: Micros;
  /** Estimate of both hosts' shared estimator; exact where a trace gives the length. */
  readonly promptTokens: number;
  readonly maxOutputTokens: number;
  /** Hash of the leading prompt bytes, 0 when unknown: requests that share a prefix share it. */
  readonly prefixKey: number;
  /**
   * Ids of the prompt's leading blocks, first block first; empty when unknown. An id stands for a block's content at
   * its place: two prompts agree as far as their lists do, and equal ids after different ones mean nothing.
   */
  readonly blockHashes: readonly number[];
  /** Tokens that each of those ids stands for, the last one perhaps for fewer; 0 when unknown. */
  readonly blockTokens: number;
  /** Higher is more urgent; 0 by default. */
  readonly priority: number;
  /** Client-chosen affinity key, '' when absent. */
  readonly routingKey: string;
  /** Index of the worker that the client addresses, as it wrote it (it may be no index); '' when absent. */
  readonly targetWorker: string;
  /** Attempts granted so far. */
  readonly attemptCount: number;
  /** Worker of each granted attempt, oldest first. */
  readonly triedWorkers: readonly number[];
}

/** What the gateway counts itself is exact; what the worker last reported is old by `now - reportedAt`. */
export interface WorkerView {
  readonly index: number;
  /** What gateways that share a fleet agree on, such as its URL; `worker-<index>` where the host names none. */
  readonly name: string;
  readonly status: WorkerStatus;
  /** Leases the gateway holds there. */
  readonly inFlight: number;
  /** Σ (promptTokens + maxOutputTokens) over those leases. */
  readonly inFlightTokens: number;
  /**
   * When it arrived, or when the worker says it was taken (by a clock that may be wrong, so perhaps after now).
   * -Infinity before the first report; the reported fields are then -1.
   */
  readonly reportedAt: Micros;
  readonly reportedRunning: number;
  readonly reportedWaiting: number;
  /** 0 to 1, or -1 when the worker does not report it. */
  readonly reportedKvUsageRatio: number;
}
export type FleetView = readonly WorkerView[];

/** A lease on one slot of one worker, as policies see it. */
export interface AttemptView {
  /** Unique in the run, counted from 0 in order of grant. */
  readonly id: number;
  readonly request: RequestView;
  readonly worker: WorkerView;
  readonly startedAt: Micros;
}

/** Closed set. `cancelled` is neutral: it says nothing about the worker's health. */
export type AttemptOutcome = 'ok' | 'refused' | 'failed' | 'timeout' | 'cancelled';
/**
 * How an attempt ended. `status` is the HTTP status or 0 (no response), `retryAfterUs` what the worker asked for or
 * -1.
 */
export interface AttemptResult {
  readonly outcome: AttemptOutcome;
  readonly status: number;
  readonly retryAfterUs: Micros;
  /** True once a byte of the reply went to the client: such an attempt is never retried. */
  readonly bytesSent: boolean;
  /** Prompt and output tokens that the worker says it used; absent when it does not. */
  readonly usedTokens?: number | undefined;
}
/** Why a request ended otherwise than ok. */
export type FinishCause =
  | 'none'
  | 'queue-full'
  | 'queue-timeout'
  | 'no-worker'
  | 'all-busy'
  | 'rate-limited'
  | 'preempted'
  | 'deadline'
  | 'upstream'
  | 'client';
export type FinishReason = 'ok' | 'failed' | 'timeout' | 'cancelled' | 'shed';

/** What a worker says of itself; a field it does not report is -1. One report per data-parallel rank. */
export interface LoadReport {
  readonly running: number;
  readonly waiting: number;
  readonly kvUsedBlocks: number;
  readonly kvTotalBlocks: number;
  readonly decodeBlocks: number;
  /** Prompt tokens waiting to be computed. */
  readonly prefillTokens: number;
  readonly maxBatchedTokens: number;
  readonly maxRunning: number;
  /** Generated tokens per second over the worker's last reporting interval. */
  readonly generatedTokensPerSec: number;
  /**
   * When it was taken, by the worker's clock. The core goes by it and drops what is not newer than the newest of that
   * rank. Absent: the gateway goes by the order of arrival.
   */
  readonly stampedAt?: Micros;
}
export type WorkerStatus = 'pending' | 'ready' | 'not-ready' | 'failed' | 'draining';

/**
 * How policies that watch the fleet (capacity, busy thresholds, health, load-aware routing) are fed, in both
 * worlds.
 */
export interface WorkerObserver {
  /** The whole set of known workers, by index; called at start and whenever the set changes. */
  discovered?(now: Micros, workers: readonly number[]): void;
  /** A worker's number of data-parallel ranks. */
  configured?(now: Micros, worker: number, ranks: number): void;
  reported?(now: Micros, worker: number, rank: number, report: LoadReport): void;
  statusChanged?(now: Micros, worker: number, status: WorkerStatus): void;
  /** The source of reports ended: nothing more will be reported. */
  reportsEnded?(now: Micros): void;
}

/**
 * State that can be written down and taken up again, so that a journal may begin in the midst of a run. A policy
 * without these two runs as well; a part of a journal that begins with it cannot be replayed by itself.
 */
export interface Snapshots {
  /**
   * Plain data: numbers (not NaN), bigints, texts, truth values, null, arrays, objects, Maps, Sets. Written down at
   * once and not changed; `restore` may keep what it is given. Undefined: this one cannot, now. Draws are no part of
   * it: streams begin anew where a snapshot is taken.
   */
  snapshot?(): unknown;
  /**
   * On a fresh policy of the same settings, before any other call. `requestOf` and `attemptOf` know all that is in the
   * gateway.
   */
  restore?(state: unknown, requestOf: (id: number) => RequestView, attemptOf: (id: number) => AttemptView): void;
}

/** Told once per lease granted and once per lease settled; the core owns that promise. */
export interface LeaseObserver {
  granted?(now: Micros, attempt: AttemptView): void;
  /** The first byte of the reply went to the client; at most once per lease, and only while it is held. */
  firstToken?(now: Micros, attempt: AttemptView): void;
  settled?(now: Micros, attempt: AttemptView, result: AttemptResult): void;
}

/** Decider: which worker gets the request. */
export interface Router extends LeaseObserver, WorkerObserver, Snapshots {
  /**
   * Index into `candidates` (never empty; only ready workers that every gate allows), -1 to wait until something
   * changes, or -2 to refuse the request (router/answers.ts names the two).
   */
  pick(now: Micros, request: RequestView, candidates: FleetView): number;
}

/** Decider: may this worker get one more? */
export interface Gate extends LeaseObserver, WorkerObserver, Snapshots {
  /** No state change here; see `granted`. */
  allows(now: Micros, worker: WorkerView): boolean;
  /** When the answer may change with no further input: strictly after `now`, or Infinity. */
  reconsiderAt(now: Micros): Micros;
}

/** Where a capacity comes from; the four tiers of smg's WorkerCapacity, in order of precedence. */
export type CapacitySource = 'override' | 'worker-reported' | 'mixed' | 'legacy-fallback';

/** Decider: how many requests may be admitted at once, from what the fleet reports or how its attempts end. */
export interface Capacity extends WorkerObserver, LeaseObserver, Snapshots {
  /** Requests; a whole number ≥ 0 or Infinity. Readable at any time, before any event too. */
  current(): number;
  source(): CapacitySource;
}

export type QueueEffect =
  | { readonly kind: 'admit'; readonly request: RequestView }
  | { readonly kind: 'shed'; readonly request: RequestView; readonly cause: FinishCause }
  | { readonly kind: 'preempt'; readonly attempt: AttemptView };

/** Keeper: the gateway's admission queue. It owns what waits, its deadlines and the permits of what it admitted. */
export interface Queue extends LeaseObserver, WorkerObserver, Snapshots {
  /** 'admitted' grants a permit at once; a cause sheds the request; otherwise an effect answers later. */
  offer(now: Micros, request: RequestView): 'admitted' | 'queued' | FinishCause;
  /**
   * The request is over, whatever the reason: its place in the queue or its permit is given back. Unknown ones are
   * ignored.
   */
  leave(now: Micros, request: RequestView): void;
  /** How many permits may be out at once from now on; those above a shrunk capacity are left alone. */
  capacityChanged(now: Micros, capacity: number): void;
  wake(now: Micros): void;
  take(): QueueEffect | undefined;
  /** Earliest instant at which `wake` would do something; Infinity when idle. */
  nextWakeAt(): Micros;
  held(): { readonly waiting: number; readonly admitted: number };
}

/** Decider: another attempt, and when? */
export interface Retry extends LeaseObserver, Snapshots {
  /**
   * Delay before the next attempt (≥ 0), or -1 to give up. Asked once per failed attempt; never after bytes were
   * sent.
   */
  delayUs(now: Micros, request: RequestView, result: AttemptResult): Micros;
}

/** Waits that the core itself bounds; Infinity is no bound. */
export interface Timeouts {
  /** From arrival at the gateway to the end of the request; sets `deadlineAt`. */
  readonly requestUs: Micros;
  /** From the grant of an attempt to its end; on expiry the attempt settles as `timeout`. */
  readonly attemptUs: Micros;
  /** How long an admitted request may wait for a worker that its gates and router accept. */
  readonly workerUs: Micros;
}

/** Everything a gateway is made of. One set belongs to one core and its host. */
export interface PolicySet {
  readonly capacity: Capacity;
  readonly rate: RateLimit;
  readonly queue: Queue;
  readonly router: Router;
  readonly gates: readonly Gate[];
  readonly retry: Retry;
  /** A retry goes to a worker that the request was not tried on, while there is one it may go to. */
  readonly excludeFailedWorkers: boolean;
  readonly timeouts: Timeouts;
  /** The host's: it probes, and tells the core of statuses. Undefined: the host learns them in another way. */
  readonly health?: Health | undefined;
}

/** How the batch core's task ended, as salvage sees it. */
export interface TaskFailure {
  /** Of the call's request. */
  readonly reason: FinishReason;
  readonly cause: FinishCause;
  readonly status: number;
}

/** Decider of the batch core: what becomes of a task whose call failed. */
export interface Salvage {
  /** `retry`: the failure may heal, defer the task; `drop`: its row is lost. */
  classify(failure: TaskFailure): 'retry' | 'drop';
  /** Asked of a task still deferred after all rounds: keep it for another cycle, or drop its row. */
  afterRounds(failure: TaskFailure): 'preserve' | 'drop';
  /** Salvage rounds in one cycle, ≥ 1. */
  readonly roundsMax: number;
  /** Pause between cycles when nothing is in flight. */
  readonly pacingUs: Micros;
  /** Whose cool-downs stretch that pause: of all tasks that would be preserved, or only of rate-limited ones. */
  readonly pacedBy: 'preserved' | 'rate-limited';
  /** What a wait too long for request admission is: a cause of its own, or a provider that was slow. */
  readonly queueTimeout: 'own-cause' | 'provider-timeout';
  /** From a task's first failure; preserved no longer. Infinity: for ever. */
  readonly preserveForUs: Micros;
  /** Starts of a task; preserved no longer once it has had so many. Infinity: any number. */
  readonly preserveStarts: number;
}
