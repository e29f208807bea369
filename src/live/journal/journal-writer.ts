/**
 * Writes a journal beside the traffic and never in its way: lines are gathered and handed to the disk in blocks. It
 * goes on in a new segment when one is full; a segment begins with the configuration and the state of the core, and
 * the oldest are deleted, so that the journal is bounded and what is left of it can be replayed. A journal with a hole
 * could not be: one whose disk is too slow ends for good with a line that says so, and the gateway goes on.
 */
import { createWriteStream, existsSync, openSync, renameSync, rmSync, type WriteStream } from 'node:fs';
import type { FinishCause, FinishReason, Micros } from '../../../policies/types.ts';
import type { Attempt, RequestInit } from '../../gateway/request.ts';
import type { Agenda, Deadline } from '../agenda.ts';
import type { Recorder } from '../core/gateway-host.ts';
import type { GatewayInput } from '../core/input.ts';
import { segmentNumbers, segmentPath } from './journal-file.ts';
import { cancelLine, finishLine, inputLine, promptLine, startLine } from './journal-lines.ts';
import type { JournalEnd, JournalPrompt } from './journal-lines.ts';

export interface JournalRules<Init extends RequestInit> {
  readonly agenda: Agenda;
  now(): Micros;
  /** Of one segment; the last input may go beyond it, and its head is never more than half of it. */
  readonly segmentBytes: number;
  /** Segments kept beside the one that is written, ≥ 1. */
  readonly kept: number;
  /** Of an arrival, before anything else is asked of it. Absent: prompts are not written. */
  promptOf?(request: Init): JournalPrompt;
  /** Of one prompt. */
  readonly promptBytesMax: number;
  /** Policies of the past hold nothing that a head could not tell; a full segment waits for that for a while. */
  isSettled(): boolean;
  /** The head of a segment as text, without its line end; 0 is the first. Called between two inputs. */
  head(segment: number): string;
  /** Hears of an early end, once. */
  onEnd(why: JournalEnd, detail: string): void;
}

/** Bytes handed to the disk and not written yet. */
const PENDING_MAX = 32 << 20;
const BLOCK_CHARS = 1 << 16;
const FLUSH_US = 1e6;

export class JournalWriter<Init extends RequestInit> implements Recorder<Init> {
  readonly #path: string;
  readonly #rules: JournalRules<Init>;
  readonly #flushing: Deadline;
  #file: WriteStream;
  /** Segments of the past that are still on their way to the disk. */
  readonly #closing = new Set<Promise<void>>();
  #lines: string[] = [];
  #chars = 0;
  #bytes = 0;
  #segmentBytes = 0;
  #headBytes = 0;
  #segment = 0;
  #end: JournalEnd | undefined;

  /** A file that is there already is kept as the last segment of an earlier run. */
  constructor(path: string, rules: JournalRules<Init>) {
    this.#path = path;
    this.#rules = rules;
    this.#flushing = rules.agenda.deadline(() => this.#flush());
    if (existsSync(path)) this.#setAside();
    this.#file = this.#open();
    this.#begin();
  }

  /** Bytes written or on their way. */
  get bytes(): number {
    return this.#bytes;
  }

  input(now: Micros, input: GatewayInput<Init>): void {
    const prompt = input.kind === 'arrive' ? this.#rules.promptOf?.(input.request) : undefined;
    this.#add(JSON.stringify(inputLine(now, input)));
    if (prompt === undefined || input.kind !== 'arrive') return;
    this.#add(JSON.stringify(promptLine(input.request.id, prompt, this.#rules.promptBytesMax)));
  }

  start(attempt: Attempt<Init>): void {
    this.#add(JSON.stringify(startLine(attempt)));
  }

  cancel(attempt: Attempt<Init>): void {
    this.#add(JSON.stringify(cancelLine(attempt)));
  }

  finish(request: number, reason: FinishReason, cause: FinishCause): void {
    this.#add(JSON.stringify(finishLine(request, reason, cause)));
  }

  /** The effects of an input are all told. */
  settled(): void {
    // A large state in small segments would be written with every input.
    const full = Math.max(this.#rules.segmentBytes, 2 * this.#headBytes);
    if (this.#segmentBytes < full || this.#end !== undefined) return;
    if (!this.#rules.isSettled() && this.#segmentBytes < 2 * full) return;
    this.#flush();
    if (this.#end !== undefined) return;
    this.#closed(this.#file);
    this.#setAside();
    this.#file = this.#open();
    this.#segment++;
    this.#begin();
  }

  /** Resolves when all of it is in its files. */
  async close(): Promise<void> {
    this.#rules.agenda.cancel(this.#flushing);
    if (this.#end === undefined) this.#flush();
    this.#end ??= 'error';
    this.#closed(this.#file);
    await Promise.all(this.#closing);
  }

  #begin(): void {
    this.#segmentBytes = 0;
    this.#add(this.#rules.head(this.#segment));
    this.#headBytes = this.#segmentBytes;
  }

  /** FILE becomes the newest of those before; the oldest go. */
  #setAside(): void {
    const numbers = segmentNumbers(this.#path);
    renameSync(this.#path, segmentPath(this.#path, (numbers.at(-1) ?? 0) + 1));
    const gone = numbers.slice(0, Math.max(0, numbers.length + 1 - this.#rules.kept));
    for (const number of gone) rmSync(segmentPath(this.#path, number), { force: true });
  }

  /** Open at once: it may be renamed while it is written. */
  #open(): WriteStream {
    const file = createWriteStream(this.#path, { fd: openSync(this.#path, 'wx', 0o600) });
    file.on('error', (error) => this.#stop('error', error.message));
    return file;
  }

  #closed(file: WriteStream): void {
    if (file.destroyed) return;
    const closed = new Promise<void>((resolve) => {
      file.once('close', resolve);
      if (!file.writableEnded) file.end();
    });
    this.#closing.add(closed);
    void closed.then(() => this.#closing.delete(closed));
  }

  #add(line: string): void {
    if (this.#end !== undefined) return;
    this.#lines.push(line, '\n');
    this.#chars += line.length + 1;
    this.#segmentBytes += line.length + 1;
    if (this.#chars >= BLOCK_CHARS) this.#flush();
    else if (!this.#flushing.isSet) this.#rules.agenda.set(this.#flushing, this.#rules.now() + FLUSH_US);
  }

  #flush(): void {
    if (this.#chars === 0) return;
    const block = Buffer.from(this.#lines.join(''));
    this.#lines = [];
    this.#chars = 0;
    if (this.#file.writableLength > PENDING_MAX) {
      this.#stop('slow-disk', `more than ${PENDING_MAX} bytes wait for the disk`);
    } else {
      this.#bytes += block.length;
      this.#file.write(block);
    }
  }

  #stop(why: JournalEnd, detail: string): void {
    if (this.#end !== undefined) return;
    this.#end = why;
    this.#rules.agenda.cancel(this.#flushing);
    this.#lines = [];
    this.#chars = 0;
    if (why !== 'error') this.#file.end(`${JSON.stringify(['over', why])}\n`);
    this.#rules.onEnd(why, detail);
  }
}
