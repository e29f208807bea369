/**
 * A file's bytes, unpacked where they are gzip, one block at a time and only when asked: reading never runs
 * ahead of what the run needs, so a trace of any length takes the memory of one block.
 *
 * Gzip is told by its first two bytes, not by the name. Each block of packed bytes is unpacked whole before
 * the next is read; deflate's best ratio of about 1,032 bounds what 16 KiB can become to 17 MB. Concatenated
 * members are one file, zeros after the last are padding (RFC 1952 §2.2 and gzip(1)); a stream cut short,
 * damaged or followed by anything else is refused. The checksum stands at a member's end, so rows of a
 * damaged file may be handed out before it is found.
 */
import { promises } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { TraceError } from './trace-error.ts';

const UNPACKED_BLOCK_BYTES = 65_536;

export class ByteSource {
  readonly path: string;
  readonly #handle: promises.FileHandle;
  readonly #chunkBytes: number;
  #unpacker: Unpacker | undefined;
  #first: Buffer | undefined;

  private constructor(path: string, handle: promises.FileHandle, chunkBytes: number) {
    this.path = path;
    this.#handle = handle;
    this.#chunkBytes = chunkBytes;
  }

  /** Opens a file; rejects with a `TraceError`, and leaves nothing open, when it cannot be read. */
  static async open(path: string, chunkBytes: number): Promise<ByteSource> {
    let handle: promises.FileHandle;
    try {
      handle = await promises.open(path, 'r');
    } catch (error) {
      throw unreadable(path, error);
    }
    const source = new ByteSource(path, handle, chunkBytes);
    try {
      if ((await handle.stat()).isDirectory()) throw new TraceError(path, 0, 'a directory', 'a trace file');
      await source.#sniff();
      return source;
    } catch (error) {
      await source.close();
      throw unreadable(path, error);
    }
  }

  /**
   * The next bytes, unpacked, in order; undefined at the end. `line` is where a damaged file is said to be
   * damaged.
   */
  async next(line: number): Promise<Buffer | undefined> {
    try {
      if (this.#unpacker === undefined) return await this.#raw();
      return await this.#unpacked(this.#unpacker);
    } catch (error) {
      throw isZlibError(error) ? damaged(this.path, line, error) : unreadable(this.path, error);
    }
  }

  /** Safe to call twice and while `next` is pending, which then rejects or ends early. */
  async close(): Promise<void> {
    this.#unpacker?.close();
    await this.#handle.close();
  }

  /** Reads what it takes to see the magic bytes. */
  async #sniff(): Promise<void> {
    let head = (await this.#raw()) ?? Buffer.alloc(0);
    while (head.length > 0 && head.length < 2) {
      const more = await this.#raw();
      if (more === undefined) break;
      head = Buffer.concat([head, more]);
    }
    this.#first = head;
    if (head[0] === 0x1f && head[1] === 0x8b) {
      this.#unpacker = new Unpacker();
    }
  }

  async #raw(): Promise<Buffer | undefined> {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined) return first.length > 0 ? first : undefined;
    const buffer = Buffer.allocUnsafe(this.#chunkBytes);
    const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, null);
    return bytesRead === 0 ? undefined : buffer.subarray(0, bytesRead);
  }

  async #unpacked(unpacker: Unpacker): Promise<Buffer | undefined> {
    for (;;) {
      const block = unpacker.blocks.shift();
      if (block !== undefined) return block;
      if (unpacker.ended) return undefined;
      const chunk = await this.#raw();
      if (chunk === undefined) await unpacker.finish();
      else await unpacker.unpack(chunk);
      if (unpacker.ended) await this.#expectPadding(unpacker, chunk);
    }
  }

  /** What follows the last gzip member must be zeros. */
  async #expectPadding(unpacker: Unpacker, last: Buffer | undefined): Promise<void> {
    let rest = last?.subarray(last.length - unpacker.unused);
    while (rest !== undefined) {
      if (rest.some((byte) => byte !== 0)) throw trailing();
      rest = await this.#raw();
    }
  }
}

/** Gunzip driven one chunk at a time: when `unpack` resolves, all the chunk gives is in `blocks`. */
class Unpacker {
  readonly blocks: Buffer[] = [];
  /** The stream said its last byte. */
  ended = false;
  readonly #gunzip = createGunzip({ chunkSize: UNPACKED_BLOCK_BYTES });
  #given = 0;
  #settle: ((error?: Error) => void) | undefined;

  constructor() {
    this.#gunzip.on('data', (block: Buffer) => this.blocks.push(block));
    this.#gunzip.on('error', (error) => this.#done(error));
    this.#gunzip.on('close', () => this.#done());
    this.#gunzip.on('end', () => {
      this.ended = true;
      this.#done();
    });
  }

  /** Bytes given that belong to no gzip member. */
  get unused(): number {
    return this.#given - this.#gunzip.bytesWritten;
  }

  unpack(chunk: Buffer): Promise<void> {
    this.#given += chunk.length;
    return this.#step(() => this.#gunzip.write(chunk, (error) => this.#done(error ?? undefined)));
  }

  /** No more bytes follow; resolves when the last block is out. */
  finish(): Promise<void> {
    return this.#step(() => this.#gunzip.end());
  }

  close(): void {
    this.ended = true;
    this.blocks.length = 0;
    this.#gunzip.destroy();
  }

  #step(begin: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = (error) => (error === undefined ? resolve() : reject(error));
      begin();
    });
  }

  #done(error?: Error): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(error);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function isZlibError(error: unknown): error is Error {
  return codeOf(error).startsWith('Z_');
}

function trailing(): Error {
  return Object.assign(new Error('other bytes after its end'), { code: 'Z_DATA_ERROR' });
}

function damaged(path: string, line: number, error: Error): TraceError {
  const found = codeOf(error) === 'Z_BUF_ERROR' ? 'gzip data cut short' : 'damaged gzip data';
  return new TraceError(path, line, `${found} (${error.message})`, 'a whole gzip file with nothing after it');
}

/** Errors of the file system, told in one line; all others as they are. */
function unreadable(path: string, error: unknown): unknown {
  const code = codeOf(error);
  if (!/^E[A-Z0-9]+$/.test(code)) return error;
  const found = code === 'ENOENT' ? 'no such file' : `cannot be read (${code})`;
  return new TraceError(path, 0, found, 'a readable trace file');
}
