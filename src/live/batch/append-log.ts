/**
 * A file of lines that survives its process: what is on disk is whole lines and perhaps the beginning of one. Lines are
 * gathered while the block before them is written and brought to disk, so a slow disk makes larger blocks and not a
 * longer line of waiters (group commit). A write that fails takes back what it wrote of its block.
 */
import { promises } from 'node:fs';
import { BatchError, diskReason } from './batch-error.ts';
import { LongLine, scanLines } from './line-scan.ts';

/** What is done to an open file; tests put a full disk in its place. */
export type LogFile = Pick<
  promises.FileHandle,
  'read' | 'write' | 'datasync' | 'sync' | 'truncate' | 'close' | 'stat' | 'fd'
>;
export type OpenLog = (path: string) => Promise<LogFile>;

/** A line that cannot be read back is no line. */
const LINE_BYTES_MAX = 1 << 29;

/** Opens for reading and appending, made when it is missing. */
export const openLog: OpenLog = (path) => promises.open(path, 'a+', 0o644);

export class AppendLog {
  readonly path: string;
  readonly #file: LogFile;
  readonly #onFailure: (error: BatchError) => void;
  /** Bytes that are whole lines on disk. */
  #size: number;
  #pending: string[] = [];
  #pendingChars = 0;
  #pump: Promise<void> | undefined;
  #isBroken = false;

  private constructor(path: string, file: LogFile, size: number, onFailure: (error: BatchError) => void) {
    this.path = path;
    this.#file = file;
    this.#size = size;
    this.#onFailure = onFailure;
  }

  /**
   * Shows every whole line to `onLine`, which answers whether it is one of ours, and cuts off a torn end. Rejects with
   * BatchError. `onFailure` hears of the first write that fails; nothing is written after it.
   */
  static async open(
    path: string,
    onLine: (text: string) => boolean,
    onFailure: (error: BatchError) => void,
    open: OpenLog = openLog,
  ): Promise<AppendLog> {
    let file: LogFile;
    try {
      file = await open(path);
    } catch (error) {
      throw new BatchError(`cannot write ${path}: ${diskReason(error)}`);
    }
    try {
      if (!(await file.stat()).isFile()) throw new BatchError(`cannot write ${path}: it is no plain file`);
      const size = await soundBytes(path, file, onLine);
      await file.truncate(size);
      await file.sync();
      return new AppendLog(path, file, size, onFailure);
    } catch (error) {
      await file.close();
      if (error instanceof BatchError || !isSystemError(error)) throw error;
      throw new BatchError(`cannot write ${path}: ${diskReason(error)}`);
    }
  }

  /** Characters not on disk yet. */
  get pendingChars(): number {
    return this.#pendingChars;
  }

  /** `line` has no line break. */
  append(line: string): void {
    if (this.#isBroken) return;
    this.#pending.push(line);
    this.#pendingChars += line.length + 1;
    this.#pump ??= this.#write();
  }

  /** All lines are taken away, in one step. Rejects with BatchError. */
  async clear(): Promise<void> {
    try {
      await this.#file.truncate(0);
      await this.#file.sync();
      this.#size = 0;
    } catch (error) {
      throw new BatchError(`cannot write ${this.path}: ${diskReason(error)}`);
    }
  }

  /** Resolves when all that was appended is on disk, or cannot be. */
  async flush(): Promise<void> {
    while (this.#pump !== undefined) await this.#pump;
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#file.close();
  }

  async #write(): Promise<void> {
    // One turn of the event loop gathers what is due together.
    await Promise.resolve();
    try {
      while (this.#pending.length > 0) {
        const chars = this.#pendingChars;
        const block = Buffer.from(`${this.#pending.join('\n')}\n`);
        this.#pending = [];
        await writeAll(this.#file, block);
        await this.#file.datasync();
        this.#size += block.length;
        this.#pendingChars -= chars;
      }
    } catch (error) {
      await this.#giveUp(error);
    } finally {
      this.#pump = undefined;
    }
  }

  async #giveUp(error: unknown): Promise<void> {
    this.#isBroken = true;
    this.#pending = [];
    this.#pendingChars = 0;
    // What is left of a block is whole lines and a torn one, which the next start would cut off just as well.
    await this.#file.truncate(this.#size).catch(() => undefined);
    this.#onFailure(new BatchError(`cannot write ${this.path}: ${diskReason(error)}`));
  }
}

async function writeAll(file: LogFile, bytes: Buffer): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    written += (await file.write(bytes, written)).bytesWritten;
  }
}

/** Where the last whole line that is ours ends. Only the end of the file may be something else. */
async function soundBytes(path: string, file: LogFile, onLine: (text: string) => boolean): Promise<number> {
  let sound = 0;
  let odd: number | undefined;
  try {
    for await (const line of scanLines(file as promises.FileHandle, LINE_BYTES_MAX)) {
      if (odd !== undefined) throw notOurs(path, odd);
      if (line.isEnded && onLine(line.bytes.toString('utf8'))) sound = line.at + line.bytes.length + 1;
      else odd = line.number;
    }
  } catch (error) {
    if (error instanceof LongLine) throw notOurs(path, error.line);
    throw error;
  }
  return sound;
}

function notOurs(path: string, line: number): BatchError {
  return new BatchError(`${path}:${line}: no line of a batch; allowed a file that batch wrote`);
}

function isSystemError(error: unknown): boolean {
  return typeof (error as NodeJS.ErrnoException).code === 'string';
}
