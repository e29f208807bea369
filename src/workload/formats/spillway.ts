/**
 * Traces that `spillway trace import` makes of a gateway's journal: one JSON object a line with `at_us` (microseconds
 * since the trace began), `prompt_tokens`, `output_tokens`, and where they are not the defaults `tenant`, `priority`,
 * `routing_key`, and `hash_ids` of the leading blocks of `block_tokens` tokens each; perhaps `prompt`, its text. Other
 * members are refused: a misspelt one would be left out in silence.
 */
import type { Fault } from '../trace-error.ts';
import { shown } from '../trace-error.ts';
import { checkedMicros, checkedTokens } from './trace-row.ts';
import type { TraceFormat, TraceRow } from './trace-row.ts';

const MEMBERS: readonly string[] = [
  ...['at_us', 'prompt_tokens', 'output_tokens', 'tenant', 'priority', 'routing_key'],
  ...['block_tokens', 'hash_ids', 'prompt'],
];
const BLOCK_TOKENS_MAX = 1_000_000;
const NO_IDS: readonly number[] = [];

type Members = Readonly<Record<string, unknown>>;

export class SpillwayFormat implements TraceFormat {
  readonly #fault: Fault;

  constructor(fault: Fault) {
    this.#fault = fault;
  }

  /** Whether a first line is of this format. */
  static isFirstLine(line: string): boolean {
    const value = jsonOf(line);
    return isObject(value) && Object.hasOwn(value, 'at_us');
  }

  read(line: string, row: TraceRow): void {
    const value = jsonOf(line);
    if (!isObject(value)) throw this.#fault(`no JSON object (${shown(line)})`, 'one JSON object a line');
    const unknown = Object.keys(value).find((name) => !MEMBERS.includes(name));
    if (unknown !== undefined) throw this.#fault(`a member ${shown(unknown)}`, MEMBERS.join(', '));
    const { at_us: at, prompt_tokens: prompt, output_tokens: output } = value;
    row.atUs = checkedMicros('at_us', number(at), at, 1, this.#fault);
    row.promptTokens = checkedTokens('prompt_tokens', number(prompt), prompt, 1, this.#fault);
    row.outputTokens = checkedTokens('output_tokens', number(output), output, 0, this.#fault);
    row.tenant = this.#text(value, 'tenant', 'default');
    row.routingKey = this.#text(value, 'routing_key', '');
    row.priority = this.#priority(value['priority']);
    row.prompt = value['prompt'] === undefined ? undefined : this.#text(value, 'prompt', '');
    row.hashIds = value['hash_ids'] === undefined ? NO_IDS : this.#hashIds(value['hash_ids']);
    row.hashBlockTokens = row.hashIds.length === 0 ? 0 : this.#blockTokens(value['block_tokens'], row);
  }

  #text(members: Members, name: string, standard: string): string {
    const value = members[name];
    if (value === undefined) return standard;
    if (typeof value === 'string') return value;
    throw this.#fault(`${name} is ${shown(value)}`, 'text');
  }

  #priority(value: unknown): number {
    if (value === undefined) return 0;
    if (Number.isSafeInteger(value)) return value as number;
    throw this.#fault(`priority is ${shown(value)}`, 'a whole number');
  }

  #hashIds(value: unknown): readonly number[] {
    const ids = Array.isArray(value) ? (value as unknown[]) : undefined;
    if (ids?.every((id) => Number.isSafeInteger(id) && (id as number) >= 0) === true) return ids as number[];
    throw this.#fault(`hash_ids is ${shown(value)}`, 'an array of whole numbers from 0 to 9007199254740991');
  }

  #blockTokens(value: unknown, { hashIds, promptTokens }: TraceRow): number {
    const tokens = number(value);
    if (!Number.isInteger(tokens) || tokens < 1 || tokens > BLOCK_TOKENS_MAX) {
      throw this.#fault(`block_tokens is ${shown(value)}`, `a whole number from 1 to ${BLOCK_TOKENS_MAX}`);
    }
    const most = Math.ceil(promptTokens / tokens);
    if (hashIds.length <= most) return tokens;
    throw this.#fault(`hash_ids has ${hashIds.length} ids for ${promptTokens} tokens`, `at most ${most}`);
  }
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** NaN unless a number is given as one. */
function number(value: unknown): number {
  return typeof value === 'number' ? value : NaN;
}
