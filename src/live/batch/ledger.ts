/**
 * What is done and what is to do of a batch, on disk. Every row of the input is in the results, in the errors, or still
 * to do: a row ends by one line appended to one of the two files, so a process that is killed at any instant leaves
 * each row ended once or not at all. Calls to the endpoint may repeat; rows in the files never do.
 */
import { existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { assert } from '../../kernel/assert.ts';
import { AppendLog, type OpenLog } from './append-log.ts';
import { BatchError } from './batch-error.ts';
import { type BatchState, readState, statePath, syncFolder, writeState } from './batch-state.ts';
import type { BatchUrl, InputLine } from './input-line.ts';
import { customIdOf, errorLine, replyLine, type RowError, rowId, type RowReply } from './output-line.ts';
import { OutputLock } from './output-lock.ts';
import { RowFile } from './row-file.ts';

export interface LedgerInit {
  readonly input: string;
  readonly out: string;
  readonly errors: string;
  /** SHA-256 of the configuration, in hexadecimal. */
  readonly configHash: string;
  readonly urls: readonly BatchUrl[];
  /** The rows in the errors file are to be done again. */
  readonly retryErrors: boolean;
  readonly openLog?: OpenLog | undefined;
}

export class Ledger {
  readonly #init: LedgerInit;
  readonly #locks: readonly OutputLock[];
  readonly #rows: RowFile;
  /** 1 for a row that has ended. */
  readonly #ended: Uint8Array;
  #results: AppendLog | undefined;
  #errors: AppendLog | undefined;
  #completed = 0;
  #failed = 0;
  #failure: BatchError | undefined;
  /** Hears of the first write that fails. */
  onFailure: () => void = () => undefined;

  private constructor(init: LedgerInit, locks: readonly OutputLock[], rows: RowFile) {
    this.#init = init;
    this.#locks = locks;
    this.#rows = rows;
    this.#ended = new Uint8Array(rows.size);
  }

  /** Takes the locks, checks input and state, and reads what is done. Rejects with BatchError. */
  static async open(init: LedgerInit): Promise<Ledger> {
    checkPaths(init);
    const locks = locksOf(init);
    let rows: RowFile | undefined;
    let ledger: Ledger | undefined;
    try {
      rows = await RowFile.open(init.input, init.urls);
      ledger = new Ledger(init, locks, rows);
      ledger.#checkState();
      await ledger.#openLogs();
      return ledger;
    } catch (error) {
      await ledger?.close();
      if (ledger === undefined) {
        await rows?.close();
        release(locks);
      }
      throw error;
    }
  }

  get size(): number {
    return this.#rows.size;
  }

  get completed(): number {
    return this.#completed;
  }

  get failed(): number {
    return this.#failed;
  }

  /** The write that failed; nothing is on disk after it. */
  get failure(): BatchError | undefined {
    return this.#failure;
  }

  /** Characters of rows that have ended and are not on disk yet. */
  get pendingChars(): number {
    return (this.#results?.pendingChars ?? 0) + (this.#errors?.pendingChars ?? 0);
  }

  /** Rows to do, in order of the input. */
  toDo(): Uint32Array {
    const rows = new Uint32Array(this.size - this.#completed - this.#failed);
    let count = 0;
    for (let row = 0; row < this.size; row++) if (this.#ended[row] === 0) rows[count++] = row;
    return rows;
  }

  /** Throws BatchError. */
  read(row: number): InputLine {
    return this.#rows.read(row);
  }

  /** The same whenever the row is run. */
  idOf(row: number): string {
    return rowId(this.#rows.hash, row);
  }

  complete(row: number, reply: RowReply): void {
    this.#end(row);
    this.#completed++;
    this.#results?.append(replyLine(this.idOf(row), this.read(row).customId, reply));
  }

  /** By a reply that is no success, or by none. */
  fail(row: number, why: RowReply | RowError): void {
    this.#end(row);
    this.#failed++;
    const [id, { customId }] = [this.idOf(row), this.read(row)];
    this.#errors?.append('status' in why ? replyLine(id, customId, why) : errorLine(id, customId, why));
  }

  /** Resolves when every row that has ended is on disk, or cannot be. */
  async flush(): Promise<void> {
    await Promise.all([this.#results?.flush(), this.#errors?.flush()]);
  }

  /** Brings all of it to disk and lets another process in. */
  async close(): Promise<void> {
    try {
      await Promise.all([this.#results?.close(), this.#errors?.close(), this.#rows.close()]);
    } finally {
      release(this.#locks);
    }
  }

  #end(row: number): void {
    assert(this.#ended[row] === 0, 'a row ends once');
    this.#ended[row] = 1;
  }

  #checkState(): void {
    const { out, errors, configHash: config, retryErrors } = this.#init;
    const own: BatchState = { input: this.#rows.hash, config, rows: this.size, errors: resolve(errors) };
    const state = readState(out);
    if (state === undefined) {
      for (const path of [out, errors]) refuseContent(path, statePath(out));
      writeState(out, own);
      return;
    }
    const differs = (what: string, allowed: string): BatchError => {
      return new BatchError(`${out}: its batch had ${what}; allowed ${allowed}, or another --out`);
    };
    if (state.input !== own.input) throw differs(`another input (${state.rows} rows)`, 'the same input, unchanged');
    if (state.errors !== own.errors) throw differs(`--errors ${state.errors}`, 'the same --errors');
    if (state.config === own.config) return;
    // A pass over the errors may have another configuration: often that is what mends them.
    if (!retryErrors) throw differs('another configuration', 'the same configuration, --retry-errors');
    writeState(out, own);
  }

  async #openLogs(): Promise<void> {
    const { out, errors, openLog, retryErrors } = this.#init;
    const onFailure = (error: BatchError): void => {
      this.#failure ??= error;
      this.onFailure();
    };
    const reader = (path: string, count: () => void) => (text: string): boolean => this.#readBack(path, text, count);
    const completed = (): void => void this.#completed++;
    const failed = (): void => void this.#failed++;
    this.#results = await AppendLog.open(out, reader(out, completed), onFailure, openLog);
    if (retryErrors) {
      // Their rows are to do again from here on, whatever happens to this process.
      this.#errors = await AppendLog.open(errors, () => true, onFailure, openLog);
      await this.#errors.clear();
    } else {
      this.#errors = await AppendLog.open(errors, reader(errors, failed), onFailure, openLog);
    }
    syncFolder(out);
    if (dirname(resolve(errors)) !== dirname(resolve(out))) syncFolder(errors);
  }

  /** A row that has ended. False when the line is none. Throws BatchError. */
  #readBack(path: string, text: string, count: () => void): boolean {
    const customId = customIdOf(text);
    if (customId === undefined) return false;
    const row = this.#rows.find(customId);
    const id = JSON.stringify(customId);
    if (row < 0) throw new BatchError(`${path}: custom_id ${id} is not in ${this.#init.input}; allowed its rows only`);
    if (this.#ended[row] === 1) throw new BatchError(`${path}: custom_id ${id} has ended before; allowed once`);
    this.#ended[row] = 1;
    count();
    return true;
  }
}

function checkPaths({ input, out, errors }: LedgerInit): void {
  const [inputPath, outPath, errorsPath] = [resolve(input), resolve(out), resolve(errors)];
  if (outPath === inputPath) throw new BatchError(`--out: value ${out} is the input; allowed another file`);
  if (errorsPath === inputPath) throw new BatchError(`--errors: value ${errors} is the input; allowed another file`);
  if (outPath === errorsPath) throw new BatchError(`--errors: value ${errors} is --out; allowed another file`);
}

/** Two batches could share a file of errors, too. Throws BatchError. */
function locksOf({ out, errors }: LedgerInit): OutputLock[] {
  const own = new OutputLock(out);
  try {
    return [own, new OutputLock(errors)];
  } catch (error) {
    own.release();
    throw error;
  }
}

function release(locks: readonly OutputLock[]): void {
  for (const lock of locks) lock.release();
}

/** What is there already must not be overwritten. */
function refuseContent(path: string, state: string): void {
  if (!existsSync(path) || (statSync(path).isFile() && statSync(path).size === 0)) return;
  throw new BatchError(`${path}: is there without ${state}; allowed a new file, or one of a batch that was begun`);
}
