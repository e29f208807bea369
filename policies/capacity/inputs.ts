/**
 * How outside values become inputs of the capacity tiers: an operator's override, the `max_running_requests`
 * label a worker was registered with, the legacy concurrency limit, and the number a gauge encodes the source
 * with. Everything is an unsigned 16-bit quantity upstream; what does not fit is not clamped but dropped, so
 * a worker announcing 70000 counts as silent (tiers.ts repairs that by default). Source: smg
 * model_gateway/src/worker/{capacity,worker}.rs and middleware/scheduler/state.rs at 73da68ca9. The
 * override's warning is a value here; upstream logs it.
 */
import type { CapacitySource } from '../types.ts';

/**
 * Largest capacity, and largest single report, in requests: upstream keeps both in an unsigned 16-bit word.
 */
export const CAPACITY_MAX = 65535;

/**
 * What an operator's override means. `override` is 0 when the capacity is to be derived, else 1 to 65535
 * requests.
 */
export interface ParsedOverride {
  readonly override: number;
  /** Why the value was not used; undefined when there is nothing to say. */
  readonly warning: string | undefined;
}

/** Reads a signed override from outside the schema (a flag, an environment variable): 0 derives silently. */
export function parseOverride(raw: number): ParsedOverride {
  if (raw === 0) return { override: 0, warning: undefined };
  if (Number.isInteger(raw) && raw > 0 && raw <= CAPACITY_MAX) return { override: raw, warning: undefined };
  return { override: 0, warning: `capacity override ${raw} is not within 1..${CAPACITY_MAX}: deriving it instead` };
}

const UNSIGNED_DECIMAL = /^\+?[0-9]+$/;

/**
 * Requests a worker's label announces, 1 to 65535; -1 when it does not (absent, not a number, zero, does not
 * fit).
 */
export function maxRunningFromLabel(label: string | undefined): number {
  if (label === undefined || !UNSIGNED_DECIMAL.test(label)) return -1;
  const value = Number(label);
  return value > 0 && value <= CAPACITY_MAX ? value : -1;
}

const LEGACY_DEFAULT = 1024;

/**
 * Capacity without a healthy worker, from the signed `max_concurrent_requests`; what does not fit (-1, 70000)
 * gives 1024.
 */
export function legacyFromMaxConcurrent(maxConcurrent: number): number {
  return maxConcurrent >= 0 && maxConcurrent <= CAPACITY_MAX ? maxConcurrent : LEGACY_DEFAULT;
}

/** Sources by the number that encodes them in gauges. */
const SOURCES: readonly CapacitySource[] = ['legacy-fallback', 'override', 'worker-reported', 'mixed'];

/** The source a gauge's number stands for; an unknown number reads as the fallback. */
export function sourceFromCode(code: number): CapacitySource {
  return SOURCES[code] ?? 'legacy-fallback';
}
