/** What every trace format is reduced to, and the checks that all of them share. */
import type { Fault } from '../trace-error.ts';
import { shown } from '../trace-error.ts';

/** One row, overwritten by the next. */
export interface TraceRow {
  /** Microseconds, whole. */
  atUs: number;
  promptTokens: number;
  outputTokens: number;
  hashIds: readonly number[];
  hashBlockTokens: number;
  tenant: string;
  priority: number;
  routingKey: string;
  prompt: string | undefined;
}

/** Reads one line into `row`, or throws the `TraceError` of the `Fault` it was made with. */
export interface TraceFormat {
  read(line: string, row: TraceRow): void;
}

/** No model reads or writes more in one request; sums over a trace stay exact. */
const TOKENS_MAX = 1_000_000_000;

/** Longest instant: about 285 years of microseconds. */
const MICROS_MAX = Number.MAX_SAFE_INTEGER;

export function blankRow(): TraceRow {
  return {
    atUs: 0,
    promptTokens: 1,
    outputTokens: 0,
    hashIds: [],
    hashBlockTokens: 0,
    tenant: 'default',
    priority: 0,
    routingKey: '',
    prompt: undefined,
  };
}

/**
 * A whole number of tokens, at least `min`. `value` is the number read, `raw` what messages show. Never -0.
 */
export function checkedTokens(name: string, value: number, raw: unknown, min: number, fault: Fault): number {
  if (Number.isInteger(value) && value >= min && value <= TOKENS_MAX) return value + 0;
  throw fault(`${name} is ${shown(raw)}`, `a whole number from ${min} to ${TOKENS_MAX}`);
}

/** A time of `value` units of `unitUs` microseconds, rounded to whole ones. */
export function checkedMicros(
  name: string,
  value: number,
  raw: unknown,
  unitUs: number,
  fault: Fault,
): number {
  const atUs = Math.round(value * unitUs) + 0;
  if (value >= 0 && atUs <= MICROS_MAX) return atUs;
  throw fault(`${name} is ${shown(raw)}`, `a number from 0 to ${Math.floor(MICROS_MAX / unitUs)}`);
}
