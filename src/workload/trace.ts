/**
 * A recorded workload, sent again: open loop, at the recorded instants divided by `speed`.
 *
 * Rows are parsed a stretch at a time, at most `ARRIVALS_MAX` ahead of the run, so a trace of any length
 * takes bounded memory. How its bytes came in alters nothing of what is handed out. Bad input is refused,
 * never skipped: a run on nine tenths of a trace would answer another question. Rows must be in time order;
 * equal times keep their order. Nothing is left open after the last row, after an error, or after `close`.
 */
import { assert } from '../kernel/assert.ts';
import type { Arrival, Refillable, Workload } from './arrival.ts';
import { ByteSource } from './byte-source.ts';
import type { TraceWorkloadConfig } from './config.ts';
import { detectFormat } from './formats/detect.ts';
import { blankRow } from './formats/trace-row.ts';
import type { TraceFormat, TraceRow } from './formats/trace-row.ts';
import { LineReader } from './line-reader.ts';
import { TraceError } from './trace-error.ts';
import type { Fault } from './trace-error.ts';

/** Most arrivals parsed and not taken. */
export const ARRIVALS_MAX = 4096;
const CHUNK_BYTES = 16_384;

/**
 * Opens a trace and reads its first rows. Rejects with a `TraceError`, nothing left open, on bad input.
 * `chunkBytes` is how much of the file one read takes (tests make it small).
 */
export async function openTrace(
  config: TraceWorkloadConfig,
  chunkBytes = CHUNK_BYTES,
): Promise<TraceWorkload> {
  assert(config.speed > 0 && config.speed < Infinity, 'trace speed must be above 0');
  const trace = new TraceWorkload(config, new LineReader(await ByteSource.open(config.path, chunkBytes)));
  await trace.refill();
  return trace;
}

/** Made by `openTrace`. */
export class TraceWorkload implements Workload, Refillable {
  readonly #config: TraceWorkloadConfig;
  readonly #lines: LineReader;
  readonly #row: TraceRow = blankRow();
  #format: TraceFormat | undefined;
  /** Parsed and not taken: from `#head` on. */
  #arrivals: Arrival[] = [];
  #head = 0;
  #parsed = 0;
  #previousUs = 0;
  /** Of the first blank line met; 0: none. Only blank lines may follow it. */
  #blankLine = 0;
  #done = false;
  #failure: Error | undefined;
  #reading: Promise<void> | undefined;

  constructor(config: TraceWorkloadConfig, lines: LineReader) {
    this.#config = config;
    this.#lines = lines;
  }

  nextAt(): number {
    return this.#arrivals[this.#head]?.at ?? Infinity;
  }

  take(): Arrival {
    const arrival = this.#arrivals[this.#head];
    assert(arrival !== undefined, 'no arrival to take');
    this.#head++;
    return arrival;
  }

  starved(): boolean {
    return !this.#done && this.#head === this.#arrivals.length;
  }

  ended(): boolean {
    return this.#done && this.#head === this.#arrivals.length;
  }

  total(): number | undefined {
    return undefined;
  }

  refill(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async close(): Promise<void> {
    this.#done = true;
    this.#clear();
    await this.#lines.close();
  }

  async #read(): Promise<void> {
    if (!this.starved()) return;
    if (this.#failure !== undefined) throw this.#failure;
    this.#clear();
    try {
      while (this.starved()) {
        if (!this.#parse() && !(await this.#lines.more())) this.#finish();
      }
      if (this.#done) await this.#lines.close();
    } catch (error) {
      await this.#lines.close();
      // Closed while reading: the read fails for that reason, and nobody waits for its rows.
      if (this.#done) return;
      this.#clear();
      this.#failure = error as Error;
      throw error;
    }
  }

  /** Parses lines in hand until enough arrivals are held; false when no line is left in hand. */
  #parse(): boolean {
    while (!this.#done && this.#arrivals.length < ARRIVALS_MAX) {
      const line = this.#lines.next();
      if (line === undefined) return this.#arrivals.length > 0;
      if (line.length === 0 || line.trim() === '') {
        this.#blankLine ||= this.#lines.lineNumber;
        continue;
      }
      if (this.#blankLine > 0) {
        const found = 'a blank line before the last row';
        throw new TraceError(this.#lines.path, this.#blankLine, found, 'blank lines at the end');
      }
      this.#parseLine(line);
    }
    return true;
  }

  #parseLine(line: string): void {
    if (this.#format === undefined) {
      const { format, headless } = detectFormat(this.#config, line, this.#fault);
      this.#format = format;
      if (!headless) return;
    }
    const row = this.#row;
    this.#format.read(line, row);
    if (row.atUs < this.#previousUs) {
      const found = `time goes back by ${this.#previousUs - row.atUs} µs to ${row.atUs} µs`;
      throw this.#fault(found, 'rows in order of time');
    }
    this.#previousUs = row.atUs;
    this.#arrivals.push(this.#arrival(row));
    if (++this.#parsed >= this.#config.requests) this.#done = true;
  }

  #arrival(row: TraceRow): Arrival {
    const { speed, maxOutput } = this.#config;
    const outputTokens = Math.min(row.outputTokens, maxOutput ?? Infinity);
    return {
      at: speed === 1 ? row.atUs : Math.round(row.atUs / speed),
      promptTokens: row.promptTokens,
      outputTokens,
      maxOutputTokens: maxOutput ?? outputTokens,
      hashIds: row.hashIds,
      hashBlockTokens: row.hashBlockTokens,
      tenant: row.tenant,
      priority: row.priority,
      routingKey: row.routingKey,
      user: -1,
      ...(row.prompt === undefined ? {} : { prompt: row.prompt }),
    };
  }

  #finish(): void {
    if (this.#parsed === 0 && !this.#done) {
      const found = this.#format === undefined ? 'no text' : 'a header and no rows';
      const line = Math.max(1, this.#lines.lineNumber);
      throw new TraceError(this.#lines.path, line, found, 'a trace of at least one request');
    }
    this.#done = true;
  }

  #clear(): void {
    this.#arrivals = [];
    this.#head = 0;
  }

  readonly #fault: Fault = (found, allowed) =>
    new TraceError(this.#lines.path, this.#lines.lineNumber, found, allowed);
}
