/**
 * When each request and each of its attempts began and ended, taken from the journal: what a trace viewer shows.
 * Above a bound requests are sampled by a hash of their id, the same ones in every variant.
 */
import { mix32 } from '../kernel/rng.ts';
import type { TapEntry } from './run-types.ts';

const REQUESTS_MAX = 4000;

export interface AttemptSpan {
  readonly id: number;
  readonly worker: number;
  /** Microseconds; Infinity while it has not ended. */
  readonly from: number;
  to: number;
  firstTokenAt: number;
  /** Outcome and status, `ok 200`. */
  how: string;
}

export interface RequestSpan {
  readonly id: number;
  readonly from: number;
  to: number;
  /** Reason of its end. */
  how: string;
  readonly attempts: AttemptSpan[];
}

const OUTCOMES = ['ok', 'refused', 'failed', 'timeout', 'cancelled'];
const REASONS = ['ok', 'failed', 'timeout', 'cancelled', 'shed'];
const STATUS_SHIFT = 65_536;

/** Listens to a whole run. */
export class Spans {
  readonly from = 0;
  readonly to = Infinity;
  readonly #requests = new Map<number, RequestSpan>();
  #mask = 0;

  /** One request in so many is kept. */
  get oneIn(): number {
    return this.#mask + 1;
  }

  /** In order of arrival. */
  spans(): RequestSpan[] {
    return [...this.#requests.values()];
  }

  record(entry: TapEntry): void {
    const { kind, at, first, second, request } = entry;
    if (request < 0 || (mix32(request) & this.#mask) !== 0) return;
    if (kind === 'gateway.arrive') this.#arrived(request, at);
    const span = this.#requests.get(request);
    if (span === undefined) return;
    const attempt = span.attempts.findLast(({ id }) => id === first);
    switch (kind) {
      case 'effect.start':
        span.attempts.push({ id: first, worker: second, from: at, to: Infinity, firstTokenAt: -1, how: 'running' });
        return;
      case 'gateway.firstToken':
        if (attempt !== undefined) attempt.firstTokenAt = at;
        return;
      case 'gateway.end':
        end(attempt, at, `${OUTCOMES[Math.floor(second / STATUS_SHIFT)] ?? 'ended'} ${second % STATUS_SHIFT}`);
        return;
      case 'effect.cancel':
        end(attempt, at, 'cancelled');
        return;
      case 'effect.finish':
        span.to = at;
        span.how = REASONS[second] ?? 'ended';
        return;
      default:
    }
  }

  #arrived(id: number, at: number): void {
    this.#requests.set(id, { id, from: at, to: Infinity, how: 'unfinished', attempts: [] });
    if (this.#requests.size <= REQUESTS_MAX) return;
    this.#mask = this.#mask * 2 + 1;
    for (const each of [...this.#requests.keys()]) if ((mix32(each) & this.#mask) !== 0) this.#requests.delete(each);
  }
}

/** The first end counts: what comes after a cancellation comes late. */
function end(attempt: AttemptSpan | undefined, at: number, how: string): void {
  if (attempt === undefined || attempt.to !== Infinity) return;
  attempt.to = at;
  attempt.how = how;
}
