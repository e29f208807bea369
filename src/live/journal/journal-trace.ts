/**
 * A journal as a workload: the recorded arrivals in order, as rows of a trace. What a gateway saw is all there is:
 * prompt lengths are its estimates; shared prefixes its keyed hashes of leading blocks, or hashes of every block where
 * the journal has the text; outputs are as long as the worker said, by the tokens it charged less the prompt, or as the
 * request allowed. What became of the requests is not in the trace: a simulation has outcomes of its own.
 */
import { z } from 'zod';
import { blockHashes } from '../prompt-blocks.ts';
import type { JournalLine, JournalPrompt } from './journal-lines.ts';
import { parseHead, parseLine, requestOf, resultOf } from './journal-lines.ts';
import { JournalError } from './replay.ts';

/** What the journal says beside its arrivals; whole once all rows are taken. */
export interface JournalFacts {
  /** The `policies:` block in force when it began. */
  policies: unknown;
  /** Most workers known at once. */
  workers: number;
  arrivals: number;
}

/** What the trace is to have. */
export interface TraceChoice {
  /** The text of prompts, where the journal has it. */
  readonly prompts: boolean;
}

interface Row {
  readonly text: () => string;
  /** Tokens that the worker charged for; -1: not said. */
  usedTokens: number;
  prompt: JournalPrompt | undefined;
  isOver: boolean;
}

/** What the state of a gateway says of its fleet. */
const fleetSchema = z.object({ gateway: z.object({ known: z.array(z.number()) }) });

/** Of a request that no worker was asked for in the journal; such a request is ready at once. */
const UNKNOWN = -1;

/** One line of a trace for each arrival, in order, without line ends. Throws JournalError. */
export function* journalTrace(
  lines: Iterable<string>,
  facts: JournalFacts,
  choice: TraceChoice,
): Generator<string> {
  const reader = new TraceReader(facts, choice);
  let number = 0;
  let torn = 0;
  for (const text of lines) {
    number++;
    if (torn > 0) throw new JournalError(`line ${torn} is no journal line`);
    if (!reader.take(text, number)) torn = number;
    yield* reader.ready();
  }
  if (number === 0) throw new JournalError('the file is empty');
  if (facts.arrivals === 0) throw new JournalError('no request arrives in it');
  yield* reader.rest();
}

class TraceReader {
  readonly #facts: JournalFacts;
  readonly #choice: TraceChoice;
  /** In order of arrival; the first is not over. */
  #rows: Row[] = [];
  readonly #byRequest = new Map<number, Row>();
  readonly #requestOfAttempt = new Map<number, number>();
  /** Workers that attempts went to. */
  readonly #started = new Set<number>();
  /** The set of workers has been told. */
  #isKnown = false;
  #firstAt = UNKNOWN;

  constructor(facts: JournalFacts, choice: TraceChoice) {
    this.#facts = facts;
    this.#choice = choice;
  }

  /** False when the line is none of a journal: the torn end of a crash. */
  take(text: string, number: number): boolean {
    const head = parseHead(text);
    if (head !== undefined) {
      this.#facts.policies ??= head.policies;
      const fleet = fleetSchema.safeParse(head.snapshot).data;
      if (fleet !== undefined) this.#knows(fleet.gateway.known.length);
      return true;
    }
    if (number === 1) throw new JournalError('line 1 is no head of a journal of this version');
    const line = parseLine(text);
    if (line === undefined) return false;
    this.#line(line);
    return true;
  }

  /** Rows whose lengths are known, up to the first whose are not. */
  *ready(): Generator<string> {
    if (this.#rows[0]?.isOver !== true) return;
    let count = 0;
    for (; this.#rows[count]?.isOver === true; count++) yield (this.#rows[count] as Row).text();
    this.#rows = this.#rows.slice(count);
  }

  *rest(): Generator<string> {
    for (const row of this.#rows) yield row.text();
    this.#rows = [];
  }

  #line(line: JournalLine): void {
    switch (line[0]) {
      case 'arrive':
        this.#arrive(line);
        break;
      case 'discovered':
        this.#knows(line[2].length);
        break;
      case '>start':
        this.#requestOfAttempt.set(line[1], line[2]);
        this.#started.add(line[3]);
        // Where the first segment is gone and the next one has no state nobody was discovered.
        this.#facts.workers = Math.max(this.#facts.workers, this.#isKnown ? 0 : this.#started.size);
        break;
      case '>cancel':
        this.#requestOfAttempt.delete(line[1]);
        break;
      case 'end': {
        const row = this.#byRequest.get(this.#requestOfAttempt.get(line[2]) ?? UNKNOWN);
        this.#requestOfAttempt.delete(line[2]);
        if (row !== undefined) row.usedTokens = Math.max(row.usedTokens, resultOf(line).usedTokens ?? UNKNOWN);
        break;
      }
      case 'prompt': {
        const row = this.#byRequest.get(line[1]);
        if (row !== undefined) row.prompt = { bytesPerToken: line[2], texts: line[3] };
        break;
      }
      case '>finish': {
        const row = this.#byRequest.get(line[1]);
        this.#byRequest.delete(line[1]);
        if (row !== undefined) row.isOver = true;
        break;
      }
      default:
    }
  }

  #knows(workers: number): void {
    this.#isKnown = true;
    this.#facts.workers = Math.max(this.#facts.workers, workers);
  }

  #arrive(line: Extract<JournalLine, readonly ['arrive', ...unknown[]]>): void {
    const request = requestOf(line);
    if (this.#firstAt === UNKNOWN) this.#firstAt = line[1];
    const atUs = Math.round(line[1] - this.#firstAt);
    const text = (): string => rowText(request, atUs, row, this.#choice);
    const row: Row = { usedTokens: UNKNOWN, prompt: undefined, isOver: false, text };
    this.#facts.arrivals++;
    this.#rows.push(row);
    this.#byRequest.set(request.id, row);
  }
}

function rowText(
  request: ReturnType<typeof requestOf>,
  atUs: number,
  { usedTokens, prompt }: Row,
  choice: TraceChoice,
): string {
  const { tenant, priority, routingKey, blockTokens } = request;
  const promptTokens = Math.max(1, request.promptTokens);
  const outputTokens = usedTokens > promptTokens ? usedTokens - promptTokens : request.maxOutputTokens;
  const hashes = prompt === undefined ? request.blockHashes : hashesOf(prompt, blockTokens);
  const blocks = blockTokens > 0 ? hashes.slice(0, Math.ceil(promptTokens / blockTokens)) : [];
  return JSON.stringify({
    at_us: atUs,
    prompt_tokens: promptTokens,
    output_tokens: outputTokens,
    ...(tenant === '' ? {} : { tenant }),
    ...(priority === 0 ? {} : { priority }),
    ...(routingKey === '' ? {} : { routing_key: routingKey }),
    ...(blocks.length === 0 ? {} : { block_tokens: blockTokens, hash_ids: blocks }),
    ...(choice.prompts && prompt !== undefined ? { prompt: prompt.texts.join('\n') } : {}),
  });
}

/** Of all the blocks that are there. Whoever has the journal has the prompts, so there is nothing to hide. */
function hashesOf({ texts, bytesPerToken }: JournalPrompt, blockTokens: number): readonly number[] {
  return blockTokens > 0 ? blockHashes(texts, { bytes: bytesPerToken * blockTokens, most: Infinity }, '') : [];
}
