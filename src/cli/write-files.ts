/**
 * Files are whole or not there: written under a temporary name in the same folder, brought to disk, renamed.
 * What cannot be written is the user's to mend (a full disk, a missing right), so it is said in one message.
 */
import { closeSync, fsyncSync, ftruncateSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { UsageError } from './usage-error.ts';

/** Writes text or bytes to `path` in one step, replacing what is there. Throws UsageError. */
export function writeWhole(path: string, content: string | Uint8Array): void {
  const temporary = `${path}.tmp-${process.pid}`;
  try {
    const file = openSync(temporary, 'w');
    try {
      writeAll(file, typeof content === 'string' ? Buffer.from(content) : content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw writeError(path, error);
  }
}

/** The message for a write that failed. */
export function writeError(path: string, error: unknown): UsageError {
  return new UsageError(`cannot write ${path}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
}

/** Lines gathered before a write, in characters. */
const BUFFER_CHARS = 1 << 16;

/**
 * A file of lines that grows during a run under `PATH.part` and gets its name when the run ends, also when it
 * is interrupted. What is on disk is whole lines at any moment. Throws UsageError when it cannot be written.
 */
export class LineFile {
  readonly #path: string;
  readonly #part: string;
  readonly #file: number;
  #buffer = '';
  #size = 0;
  #open = true;

  /** `mode`: who may read it, where it is new; as open(2). */
  constructor(path: string, mode = 0o666) {
    this.#path = path;
    this.#part = `${path}.part`;
    try {
      this.#file = openSync(this.#part, 'w', mode);
    } catch (error) {
      throw writeError(path, error);
    }
  }

  /** `line` has no line break. */
  write(line: string): void {
    this.#buffer += `${line}\n`;
    if (this.#buffer.length >= BUFFER_CHARS) this.#flush();
  }

  /** Gives the file its name. */
  finish(): void {
    this.#flush();
    try {
      fsyncSync(this.#file);
      this.#close();
      renameSync(this.#part, this.#path);
    } catch (error) {
      throw writeError(this.#path, error);
    }
  }

  /** Removes what was written; does nothing after `finish`. */
  discard(): void {
    if (!this.#open) return;
    this.#close();
    rmSync(this.#part, { force: true });
  }

  #flush(): void {
    const bytes = Buffer.from(this.#buffer);
    try {
      writeAll(this.#file, bytes);
      this.#size += bytes.length;
      this.#buffer = '';
    } catch (error) {
      ftruncateSync(this.#file, this.#size);
      throw writeError(this.#path, error);
    }
  }

  #close(): void {
    if (this.#open) closeSync(this.#file);
    this.#open = false;
  }
}
