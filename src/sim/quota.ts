/**
 * What a worker takes in a stretch of time, as providers bound it: so many requests in each window, counted from the
 * start of the run; one more gets 429. Refusals do not count. Everybody who is told to come back when the window ends
 * comes back together.
 */
export interface QuotaConfig {
  /** Of a window, ≥ 1. */
  readonly requests: number;
  /** Length of a window, µs. */
  readonly perUs: number;
  /** Retry-After of a refusal, µs, or -1: none. Absent: until the window ends. */
  readonly retryAfterUs?: number | undefined;
}

export class Quota {
  readonly #config: QuotaConfig;
  #window = 0;
  #taken = 0;

  constructor(config: QuotaConfig) {
    this.#config = config;
  }

  /** A request has come: whether it is within the quota, of which it is then. */
  takes(now: number): boolean {
    const window = Math.floor(now / this.#config.perUs);
    if (window !== this.#window) {
      this.#window = window;
      this.#taken = 0;
    }
    if (this.#taken === this.#config.requests) return false;
    this.#taken++;
    return true;
  }

  /** What a refusal asks for, µs, or -1. */
  retryAfterUs(now: number): number {
    const { perUs, retryAfterUs } = this.#config;
    return retryAfterUs ?? perUs - (now % perUs);
  }
}
