/**
 * Writes a journal beside the traffic and never in its way: lines are gathered and handed to the disk in blocks. A
 * journal with a hole could not be replayed, so one that grows too large, or whose disk is too slow, ends for good with
 * a line that says so, and the gateway goes on.
 */
import { createWriteStream, existsSync, renameSync, type WriteStream } from 'node:fs';
import type { FinishCause, FinishReason, Micros } from '../../../policies/types.ts';
import type { Attempt, RequestInit } from '../../gateway/request.ts';
import type { Agenda, Deadline } from '../agenda.ts';
import type { Recorder } from '../core/gateway-host.ts';
import type { GatewayInput } from '../core/input.ts';
import { cancelLine, finishLine, inputLine, type JournalEnd, type JournalHead, startLine } from './journal-lines.ts';

export interface JournalRules {
  readonly agenda: Agenda;
  now(): Micros;
  /** Of the file. */
  readonly bytesMax: number;
  /** Hears of an early end, once. */
  onEnd(why: JournalEnd, detail: string): void;
}

/** Bytes handed to the disk and not written yet. */
const PENDING_MAX = 32 << 20;
const BLOCK_CHARS = 1 << 16;
const FLUSH_US = 1e6;

export class JournalWriter<Init extends RequestInit> implements Recorder<Init> {
  readonly #rules: JournalRules;
  readonly #flushing: Deadline;
  readonly #file: WriteStream;
  #lines: string[] = [];
  #chars = 0;
  #bytes = 0;
  #end: JournalEnd | undefined;

  /** A file that is there already is kept as FILE.1. */
  constructor(path: string, head: JournalHead, rules: JournalRules) {
    this.#rules = rules;
    this.#flushing = rules.agenda.deadline(() => this.#flush());
    if (existsSync(path)) renameSync(path, `${path}.1`);
    this.#file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
    this.#file.on('error', (error) => this.#stop('error', error.message));
    this.#add(head);
  }

  /** Bytes written or on their way. */
  get bytes(): number {
    return this.#bytes;
  }

  input(now: Micros, input: GatewayInput<Init>): void {
    this.#add(inputLine(now, input));
  }

  start(attempt: Attempt<Init>): void {
    this.#add(startLine(attempt));
  }

  cancel(attempt: Attempt<Init>): void {
    this.#add(cancelLine(attempt));
  }

  finish(request: number, reason: FinishReason, cause: FinishCause): void {
    this.#add(finishLine(request, reason, cause));
  }

  /** Resolves when all of it is in the file. */
  async close(): Promise<void> {
    this.#rules.agenda.cancel(this.#flushing);
    if (this.#end === undefined) this.#flush();
    this.#end ??= 'error';
    if (this.#file.destroyed) return;
    await new Promise<void>((resolve) => {
      this.#file.once('close', resolve);
      if (!this.#file.writableEnded) this.#file.end();
    });
  }

  #add(line: object): void {
    if (this.#end !== undefined) return;
    const text = `${JSON.stringify(line)}\n`;
    this.#lines.push(text);
    this.#chars += text.length;
    if (this.#chars >= BLOCK_CHARS) this.#flush();
    else if (!this.#flushing.isSet) this.#rules.agenda.set(this.#flushing, this.#rules.now() + FLUSH_US);
  }

  #flush(): void {
    if (this.#chars === 0) return;
    const block = Buffer.from(this.#lines.join(''));
    this.#lines = [];
    this.#chars = 0;
    if (this.#bytes + block.length > this.#rules.bytesMax) {
      this.#stop('full', `more than ${this.#rules.bytesMax} bytes`);
    } else if (this.#file.writableLength > PENDING_MAX) {
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
