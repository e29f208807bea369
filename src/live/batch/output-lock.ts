/**
 * One process at a time writes a batch's files: FILE.lock names it. A lock whose process is dead is taken over; a
 * process is known by number and, where the system says, the instant it started, so that a number given out again does
 * not keep a lock for ever. Another machine's processes cannot be asked after, so its lock is never taken over.
 *
 * Limits: a folder shared by machines of one name, and file systems without hard links.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';
import { BatchError, diskReason } from './batch-error.ts';

const holderSchema = z.strictObject({
  pid: z.int().min(1),
  /** In ticks since the machine started; '' where the system does not say. */
  startedAt: z.string(),
  host: z.string(),
});
type Holder = z.output<typeof holderSchema>;

const TRIES_MAX = 10;

export class OutputLock {
  readonly #path: string;
  readonly #text: string;

  /** Takes the lock of `output`, or throws BatchError. */
  constructor(output: string) {
    this.#path = `${output}.lock`;
    const own: Holder = { pid: process.pid, startedAt: statusOf(process.pid).start, host: hostname() };
    this.#text = `${JSON.stringify(own)}\n`;
    this.#take();
  }

  /** Leaves it, if it is still ours. */
  release(): void {
    if (readText(this.#path) === this.#text) rmSync(this.#path, { force: true });
  }

  #take(): void {
    const mine = `${this.#path}.${process.pid}-${randomBytes(4).toString('hex')}`;
    try {
      writeFileSync(mine, this.#text, { flag: 'wx' });
      for (let tries = 0; tries < TRIES_MAX; tries++) {
        if (linked(mine, this.#path)) return;
        this.#clearDead(`${mine}.dead`);
      }
    } catch (error) {
      if (error instanceof BatchError) throw error;
      throw new BatchError(`cannot write ${this.#path}: ${diskReason(error)}`);
    } finally {
      rmSync(mine, { force: true });
    }
    throw new BatchError(`${this.#path}: too many processes want it; allowed one`);
  }

  /** Moves a dead process's lock out of the way. Throws BatchError when the holder lives. */
  #clearDead(aside: string): void {
    const text = readText(this.#path);
    if (text === undefined) return;
    const holder = holderOf(text);
    if (holder === undefined) {
      throw new BatchError(`${this.#path}: no lock of a batch; allowed no such file, or a process's lock`);
    }
    if (holder.host !== hostname()) {
      const where = `process ${holder.pid} on ${holder.host}`;
      throw new BatchError(`${this.#path}: held by ${where}; allowed one process: remove the file if that one is gone`);
    }
    if (isAlive(holder)) {
      throw new BatchError(`${this.#path}: held by process ${holder.pid}; allowed one process at a time`);
    }
    try {
      renameSync(this.#path, aside);
    } catch {
      return;
    }
    // Somebody else was quicker and we took the lock of one that lives: it goes back.
    if (readText(aside) !== text) linked(aside, this.#path);
    rmSync(aside, { force: true });
  }
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function holderOf(text: string): Holder | undefined {
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function isAlive({ pid, startedAt }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const { state, start } = statusOf(pid);
  return state !== 'Z' && (startedAt === '' || start === '' || start === startedAt);
}

/** Fields 3 and 22 of Linux's /proc/PID/stat; the command before them may hold blanks and brackets. */
function statusOf(pid: number): { readonly state: string; readonly start: string } {
  const text = readText(`/proc/${pid}/stat`) ?? '';
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', start: fields[19] ?? '' };
}
