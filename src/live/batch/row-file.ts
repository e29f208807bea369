/**
 * The input of a batch: read once from end to end to check every line and to know where each begins, then row by row
 * as rows are called. Rows are never all in memory; a row costs about 32 bytes.
 */
import { createHash } from 'node:crypto';
import { promises, readSync } from 'node:fs';
import { BatchError, diskReason } from './batch-error.ts';
import { IdIndex, type IdPrint, printOf } from './id-index.ts';
import { type BatchUrl, type InputLine, readInputLine } from './input-line.ts';
import { LongLine, type ScannedLine, scanLines } from './line-scan.ts';

/** As in OpenAI's limits, times some. */
const LINE_BYTES_MAX = 16 << 20;
const ROWS_MAX = 50_000_000;
const FIRST_ROWS = 1024;

export class RowFile {
  readonly path: string;
  readonly #urls: readonly BatchUrl[];
  readonly #file: promises.FileHandle;
  readonly #ids = new IdIndex();
  /** Where each row's line begins and how long it is, bytes. */
  #at = new Float64Array(FIRST_ROWS);
  #bytes = new Uint32Array(FIRST_ROWS);
  #rows = 0;
  #hash = '';

  private constructor(path: string, file: promises.FileHandle, urls: readonly BatchUrl[]) {
    this.path = path;
    this.#file = file;
    this.#urls = urls;
  }

  /** Checks all of it. Rejects with BatchError. */
  static async open(path: string, urls: readonly BatchUrl[]): Promise<RowFile> {
    let file: promises.FileHandle;
    try {
      file = await promises.open(path, 'r');
    } catch (error) {
      throw new BatchError(`${path}: ${diskReason(error)}; allowed a file of requests, one JSON object a line`);
    }
    const rows = new RowFile(path, file, urls);
    try {
      if (!(await file.stat()).isFile()) throw new BatchError(`${path}: is no plain file; allowed one`);
      await rows.#scan();
      return rows;
    } catch (error) {
      await file.close();
      if (error instanceof LongLine) {
        throw new BatchError(`${path}:${error.line}: a line of more than ${LINE_BYTES_MAX} bytes; allowed up to that`);
      }
      throw error;
    }
  }

  get size(): number {
    return this.#rows;
  }

  /** SHA-256 of all bytes, in hexadecimal. */
  get hash(): string {
    return this.#hash;
  }

  /** The row of this custom_id; -1 when there is none. */
  find(customId: string): number {
    return this.#find(customId, printOf(customId));
  }

  /** Throws BatchError when the file has changed since it was checked. */
  read(row: number): InputLine {
    const line = readInputLine(this.#bytesOf(row), this.#urls);
    if ('problem' in line) throw this.#changed();
    return line;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #bytesOf(row: number): Buffer {
    const bytes = Buffer.allocUnsafe(this.#bytes[row] as number);
    let filled = 0;
    for (let read = 1; filled < bytes.length && read > 0; filled += read) {
      read = readSync(this.#file.fd, bytes, filled, bytes.length - filled, (this.#at[row] as number) + filled);
    }
    return bytes;
  }

  #changed(): BatchError {
    return new BatchError(`${this.path}: it changed while the batch ran; allowed no change`);
  }

  async #scan(): Promise<void> {
    const hash = createHash('sha256');
    for await (const line of scanLines(this.#file, LINE_BYTES_MAX, (bytes) => hash.update(bytes))) {
      const bytes = withoutMark(line);
      const at = line.at + line.bytes.length - bytes.length;
      if (bytes.some((byte) => byte > SPACE)) this.#check(bytes, at, line.number);
    }
    this.#hash = hash.digest('hex');
    if (this.#rows === 0) throw new BatchError(`${this.path}: no rows; allowed at least one`);
  }

  #check(bytes: Buffer, at: number, number: number): void {
    const line = readInputLine(bytes, this.#urls);
    if ('problem' in line) throw new BatchError(`${this.path}:${number}: ${line.problem}`);
    const print = printOf(line.customId);
    if (this.#find(line.customId, print) >= 0) {
      const id = JSON.stringify(line.customId);
      throw new BatchError(`${this.path}:${number}: custom_id: value ${id} a second time; allowed once`);
    }
    if (this.#rows === ROWS_MAX) throw new BatchError(`${this.path}: allowed at most ${ROWS_MAX} rows`);
    if (this.#rows === this.#at.length) this.#grow();
    this.#ids.add(print);
    this.#at[this.#rows] = at;
    this.#bytes[this.#rows] = bytes.length;
    this.#rows++;
  }

  #find(customId: string, print: IdPrint): number {
    for (const row of this.#ids.candidates(print)) if (this.#idOf(row) === customId) return row;
    return -1;
  }

  #idOf(row: number): unknown {
    try {
      return (JSON.parse(this.#bytesOf(row).toString('utf8')) as { readonly custom_id?: unknown }).custom_id;
    } catch {
      throw this.#changed();
    }
  }

  #grow(): void {
    const [at, bytes] = [new Float64Array(this.#rows * 2), new Uint32Array(this.#rows * 2)];
    at.set(this.#at);
    bytes.set(this.#bytes);
    [this.#at, this.#bytes] = [at, bytes];
  }
}

const SPACE = 32;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** Some editors begin a file with a byte order mark. */
function withoutMark({ bytes, number }: ScannedLine): Buffer {
  return number === 1 && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK) ? bytes.subarray(3) : bytes;
}
