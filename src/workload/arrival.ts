/** What a workload is to the world: a source of arrivals in time order, known one at a time. */

/** One request as its client sends it. Times in microseconds since the run began. */
export interface Arrival {
  readonly at: number;
  /** ≥ 1. */
  readonly promptTokens: number;
  /** Tokens the engine generates when nothing stops it, ≥ 0: the world's knowledge, no policy sees it. */
  readonly outputTokens: number;
  /** What the client allows, ≥ outputTokens. */
  readonly maxOutputTokens: number;
  /**
   * Identity of each leading block of the prompt, first first; equal ids at equal positions mean equal content.
   * Empty: nothing shared.
   */
  readonly hashIds: readonly number[];
  /** Tokens one id stands for; 0 when `hashIds` is empty. The last id may stand for fewer. */
  readonly hashBlockTokens: number;
  readonly tenant: string;
  readonly priority: number;
  /** '' when absent. */
  readonly routingKey: string;
  /** Closed-loop user, or -1. */
  readonly user: number;
  /** What it says, for endpoints that are real. Absent: nobody knows. */
  readonly prompt?: string;
  /**
   * Key of the world's draws for it, and which of the sends with that key it is times a number above any count of
   * attempts. Absent: the key is its ordinal, and it is sent once.
   */
  readonly drawKey?: number;
  readonly drawTry?: number;
}

/** What a client learns of its request. */
export interface Answer {
  readonly ok: boolean;
  /** Why it is not, as a gateway says it; 'client': it left, unanswered. */
  readonly cause: string;
  /** Whether the last attempt ran into its time limit. */
  readonly isLate: boolean;
  /** HTTP status of the last failed attempt, 0 when there was none or no response. */
  readonly status: number;
  /** Microseconds it was asked to wait, or -1. */
  readonly retryAfterUs: number;
}

/**
 * Synchronous and free of promises: the world pulls. A source that reads a file holds a bounded stretch of it and says
 * `starved` when the world must wait for more (`Refillable`); nothing of that waiting alters a run.
 */
export interface Workload {
  /** Time of the next arrival now known; Infinity when none is. `completed` may bring an earlier one: ask again. */
  nextAt(): number;
  /** Hands out the arrival that `nextAt` announced. */
  take(): Arrival;
  /** True when the next arrival, if any, has not been read yet: call `refill` before going on. */
  starved(): boolean;
  /** True when no further arrival will ever come, whatever completes. */
  ended(): boolean;
  /** Arrivals planned in all when known from the start, else undefined; for progress display. */
  total(): number | undefined;
  /**
   * A request of this workload is over for its client: closed loops send the next one some time after, clients that try
   * again the same one. `now` never decreases.
   */
  completed?(now: number, arrival: Arrival, answer: Answer): void;
}

/** The waiting side of a workload that reads a file. Only the lab and the cli call it, between slices of a run. */
export interface Refillable {
  /**
   * Reads on until something can be taken or the source ended. Rejects with the reader's one-message error on bad
   * input.
   */
  refill(): Promise<void>;
  /** Closes the file; safe to call twice. */
  close(): Promise<void>;
}
