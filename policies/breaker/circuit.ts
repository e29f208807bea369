/**
 * The circuit of one worker, as the breaker sees it; fenced-circuit.ts and lazy-circuit.ts are the two there
 * are.
 */
import type { Micros } from '../types.ts';
import type { Evidence } from './evidence.ts';

export interface Circuit {
  allows(now: Micros): boolean;
  /** An attempt was granted on this worker; ids rise. */
  granted(now: Micros, attemptId: number): void;
  settled(now: Micros, attemptId: number, evidence: Evidence): void;
  /** Instant after `now` at which `allows` turns true with no further input; Infinity when it need not be asked. */
  reconsiderAt(now: Micros): Micros;
  /** The worker is another one from now on. */
  renew(): void;
  snapshot(): unknown;
  restore(state: unknown): void;
}
