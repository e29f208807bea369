/**
 * Mooncake's traces (FAST 2025 release, Apache-2.0): one JSON object a line with `timestamp` (ms since the
 * trace began), `input_length`, `output_length` and `hash_ids`, the identity of each 512-token block of the
 * prompt, the last block perhaps not full. Traces of the same shape without `hash_ids` are read as sharing
 * nothing. Other members are ignored.
 */
import type { Fault } from '../trace-error.ts';
import { shown } from '../trace-error.ts';
import { checkedMicros, checkedTokens } from './trace-row.ts';
import type { TraceFormat, TraceRow } from './trace-row.ts';

/** Tokens a hash id stands for. */
const MOONCAKE_BLOCK_TOKENS = 512;

const MS_US = 1000;
const NO_IDS: readonly number[] = [];

export class MooncakeFormat implements TraceFormat {
  readonly #fault: Fault;

  constructor(fault: Fault) {
    this.#fault = fault;
  }

  read(line: string, row: TraceRow): void {
    const object = this.#object(line);
    row.atUs = checkedMicros('timestamp', number(object.timestamp), object.timestamp, MS_US, this.#fault);
    row.promptTokens = this.#tokens('input_length', object.input_length, 1);
    row.outputTokens = this.#tokens('output_length', object.output_length, 0);
    row.hashIds = object.hash_ids === undefined ? NO_IDS : this.#hashIds(object.hash_ids, row.promptTokens);
    row.hashBlockTokens = row.hashIds.length === 0 ? 0 : MOONCAKE_BLOCK_TOKENS;
  }

  #object(line: string): Record<string, unknown> {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw this.#fault(`not JSON (${shown(line)})`, 'one JSON object a line');
    }
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
    throw this.#fault(`JSON that is no object (${shown(value)})`, 'one JSON object a line');
  }

  #tokens(name: string, value: unknown, min: number): number {
    return checkedTokens(name, number(value), value, min, this.#fault);
  }

  #hashIds(value: unknown, promptTokens: number): readonly number[] {
    if (!Array.isArray(value)) throw this.#fault(`hash_ids is ${shown(value)}`, 'an array of whole numbers');
    const blocks = Math.ceil(promptTokens / MOONCAKE_BLOCK_TOKENS);
    if (value.length !== blocks) {
      throw this.#fault(
        `hash_ids has ${value.length} ids for ${promptTokens} tokens`,
        `${blocks}, one for each ${MOONCAKE_BLOCK_TOKENS} tokens begun`,
      );
    }
    for (const id of value as unknown[]) {
      if (!Number.isSafeInteger(id) || (id as number) < 0) {
        throw this.#fault(`hash_ids has ${shown(id)}`, 'whole numbers from 0 to 9007199254740991');
      }
    }
    return value as number[];
  }
}

/** NaN unless a number is given as one: "5" is not 5, and a member that is missing is none. */
function number(value: unknown): number {
  return typeof value === 'number' ? value : NaN;
}
