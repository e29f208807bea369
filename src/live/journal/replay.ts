/**
 * Replays a journal through the same machine, without sockets or time of its own, and compares every effect with the
 * recorded one. A journal that was cut short replays as far as it goes.
 */
import type { PolicyEntry } from '../../../policies/entry.ts';
import { policiesSchema } from '../../../policies/schema.ts';
import type { Attempt, RequestInit } from '../../gateway/request.ts';
import { GatewayMachine, type MachineSnapshot, restoredMachine } from '../core/gateway-machine.ts';
import type { GatewayInput, PolicySettings } from '../core/input.ts';
import {
  cancelLine,
  type EffectLine,
  finishLine,
  type InputLine,
  type JournalEnd,
  type JournalHead,
  type JournalLine,
  parseHead,
  parseLine,
  readThresholds,
  reportOf,
  requestOf,
  resultOf,
  startLine,
} from './journal-lines.ts';
import { readState, stateText } from './state-text.ts';

/** The file is no journal, or not one that can be replayed here; `message` says why. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}

export interface Replayed {
  readonly inputs: number;
  readonly effects: number;
  /** Set when the journal ended early. */
  readonly over: JournalEnd | 'torn' | undefined;
  /** Of the run, from 0: the first segment that could be replayed, and how many were. */
  readonly from: number;
  readonly segments: number;
  /** Segments before these that are there and have no state to begin with. */
  readonly skipped: number;
  /** The first line at which the replay did something else. */
  readonly divergence: Divergence | undefined;
}

export interface Divergence {
  /** From 1, over all segments; `segment` is the one of the run that it stands in. */
  readonly line: number;
  readonly segment: number;
  /** What the journal has there; undefined: no effect; a text: the state at the beginning of a segment. */
  readonly recorded: EffectLine | string | undefined;
  /** What the replay did; undefined: nothing. */
  readonly replayed: EffectLine | string | undefined;
}

/** `lines` without their line ends, the torn last one of a crash included. Throws JournalError. */
export function replayJournal(lines: Iterable<string>, entries: readonly PolicyEntry[]): Replayed {
  const replay = new Replay(entries);
  let number = 0;
  let torn: string | undefined;
  for (const text of lines) {
    number++;
    if (torn !== undefined) throw new JournalError(`line ${number - 1} is no journal line`);
    if (number === 1 || text.startsWith('{')) {
      if (!replay.begin(text, number)) break;
      continue;
    }
    const line = parseLine(text);
    if (line === undefined) torn = text;
    else if (!replay.take(line, number)) break;
  }
  if (number === 0) throw new JournalError('the file is empty');
  return replay.result(torn !== undefined);
}

class Replay {
  readonly #entries: readonly PolicyEntry[];
  #machine: GatewayMachine<RequestInit> | undefined;
  readonly #attempts = new Map<number, Attempt>();
  /** Done by the replay, not compared yet. */
  #pending: EffectLine[] = [];
  #inputs = 0;
  #effects = 0;
  #over: JournalEnd | undefined;
  #from = 0;
  #segment = 0;
  #segments = 0;
  #skipped = 0;
  /** Why nothing could be replayed so far. */
  #stateless: string | undefined;
  #divergence: Divergence | undefined;

  constructor(entries: readonly PolicyEntry[]) {
    this.#entries = entries;
  }

  /** A segment begins; false once replay and journal have parted. Throws JournalError. */
  begin(text: string, number: number): boolean {
    const head = parseHead(text);
    if (head === undefined) throw new JournalError(`line ${number} is no head of a journal of this version`);
    if (this.#machine !== undefined) this.#next(this.#machine, head, number);
    else if (head.segment === 0 || head.snapshot !== null) this.#first(head);
    else this.#skip(head);
    if (this.#machine !== undefined) this.#segments++;
    return this.#divergence === undefined;
  }

  /** A later segment may have a state. */
  #skip({ segment, missing }: JournalHead): void {
    this.#skipped++;
    const roles = missing.join(', ');
    this.#stateless ??= `segment ${segment} has no state to begin with (${roles}), and those before it are gone`;
  }

  #first(head: JournalHead): void {
    const { seed, segment, retrySent, policies } = head;
    this.#from = this.#segment = segment;
    const init = { settings: this.#settings(policies, retrySent), seed, entries: this.#entries, segment };
    if (segment === 0) {
      this.#machine = new GatewayMachine(init);
      return;
    }
    try {
      const { machine, attempts } = restoredMachine(init, readState(head.snapshot) as MachineSnapshot);
      this.#machine = machine;
      for (const attempt of attempts) this.#attempts.set(attempt.id, attempt);
    } catch (error) {
      throw new JournalError(`the state of segment ${segment} cannot be taken up: ${(error as Error).message}`);
    }
  }

  /** The replay of the segments before must have come to the recorded state. */
  #next(machine: GatewayMachine<RequestInit>, { segment, snapshot }: JournalHead, number: number): void {
    const expected = this.#segment + 1;
    if (segment !== expected) throw new JournalError(`line ${number}: segment ${expected} is missing`);
    if (this.#pending.length > 0) this.#part(number, undefined, this.#pending[0]);
    this.#segment = segment;
    const state = machine.beginSegment(segment);
    if (snapshot === null || 'missing' in state || this.#divergence !== undefined) return;
    const [recorded, replayed] = [JSON.stringify(snapshot), stateText(state)];
    if (recorded !== replayed) this.#part(number, ...differenceOf(recorded, replayed));
  }

  /** False once replay and journal have parted. */
  take(line: JournalLine, number: number): boolean {
    if (this.#machine === undefined) return true;
    switch (line[0]) {
      case 'over':
        this.#over = line[1];
        break;
      case 'prompt':
        break;
      case '>start':
      case '>cancel':
      case '>finish':
        this.#compare(line, number);
        break;
      default:
        if (this.#pending.length > 0) this.#part(number, undefined, this.#pending[0]);
        else this.#apply(line, number);
    }
    return this.#divergence === undefined;
  }

  /** Throws JournalError. */
  result(isTorn: boolean): Replayed {
    if (this.#stateless !== undefined && this.#machine === undefined) throw new JournalError(this.#stateless);
    // Effects of the last input may be missing where the journal was cut, at the end of a line too.
    const cutShort = isTorn || (this.#divergence === undefined && this.#pending.length > 0);
    const over = this.#over ?? (cutShort ? 'torn' : undefined);
    const counts = { inputs: this.#inputs, effects: this.#effects, from: this.#from, segments: this.#segments };
    return { ...counts, skipped: this.#skipped, over, divergence: this.#divergence };
  }

  #compare(recorded: EffectLine, number: number): void {
    const replayed = this.#pending.shift();
    this.#effects++;
    if (replayed === undefined || JSON.stringify(replayed) !== JSON.stringify(recorded)) {
      this.#part(number, recorded, replayed);
    }
  }

  #part(line: number, recorded: Divergence['recorded'], replayed: Divergence['replayed']): void {
    this.#divergence = { line, segment: this.#segment, recorded, replayed };
  }

  #apply(line: InputLine, number: number): void {
    const machine = this.#machine as GatewayMachine<RequestInit>;
    this.#inputs++;
    machine.apply(line[1], this.#inputOf(line, number));
    const { gateway } = machine;
    for (let effect = gateway.take(); effect !== undefined; effect = gateway.take()) {
      if (effect.kind === 'start') {
        this.#attempts.set(effect.attempt.id, effect.attempt);
        this.#pending.push(startLine(effect.attempt));
      } else if (effect.kind === 'cancel') {
        this.#attempts.delete(effect.attempt.id);
        this.#pending.push(cancelLine(effect.attempt));
      } else {
        this.#pending.push(finishLine(effect.request.id, effect.reason, effect.cause));
      }
    }
  }

  #inputOf(line: InputLine, number: number): GatewayInput<RequestInit> {
    switch (line[0]) {
      case 'arrive':
        return { kind: 'arrive', request: requestOf(line) };
      case 'first':
        return { kind: 'first-token', attempt: this.#attempt(line[2], number) };
      case 'end': {
        const attempt = this.#attempt(line[2], number);
        this.#attempts.delete(line[2]);
        return { kind: 'end', attempt, result: resultOf(line) };
      }
      case 'abandon':
        return { kind: 'abandon', request: line[2] };
      case 'wake':
        return { kind: 'wake' };
      case 'discovered':
        return { kind: 'discovered', workers: line[2], names: line[3] };
      case 'configured':
        return { kind: 'configured', worker: line[2], ranks: line[3] };
      case 'status':
        return { kind: 'status', worker: line[2], status: line[3] };
      case 'report':
        return { kind: 'report', worker: line[2], rank: line[3], report: reportOf(line[4]) };
      case 'thresholds':
        return { kind: 'thresholds', changes: readThresholds(line[2]) };
      case 'policies':
        return { kind: 'policies', next: this.#settings(line[2], line[3]) };
      default:
        return line satisfies never;
    }
  }

  #attempt(id: number, number: number): Attempt {
    const attempt = this.#attempts.get(id);
    if (attempt === undefined) throw new JournalError(`line ${number} ends an attempt that was never started`);
    return attempt;
  }

  #settings(written: unknown, retrySent: boolean): PolicySettings {
    const parsed = policiesSchema(this.#entries).safeParse(written ?? {});
    if (parsed.success) return { config: parsed.data, written, retrySent };
    throw new JournalError(`its policies are not known here: ${parsed.error.issues[0]?.message ?? 'unknown'}`);
  }
}

/** The two states from where they part, a little of each. */
function differenceOf(recorded: string, replayed: string): readonly [string, string] {
  let at = 0;
  while (at < recorded.length && recorded[at] === replayed[at]) at++;
  const from = Math.max(0, at - SHOWN_BEFORE);
  return [recorded.slice(from, at + SHOWN_AFTER), replayed.slice(from, at + SHOWN_AFTER)];
}

const SHOWN_BEFORE = 40;
const SHOWN_AFTER = 80;
