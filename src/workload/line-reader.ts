/**
 * Lines of a text file: UTF-8, ended by LF or CRLF, the last one perhaps by nothing, a byte order mark at the
 * start dropped.
 *
 * Taking a line is synchronous (`next`) and reading more is not (`more`), so that a parser may stop after any
 * row. Blocks are cut at their last LF before they are decoded: no character is ever split, and a line's
 * number is exact however the bytes came. Lines above 16 MiB are refused, so a file without line ends cannot
 * fill the memory.
 */
import { TraceError } from './trace-error.ts';

const LINE_BYTES_MAX = 16 * 1024 * 1024;
const LF = 10;

/** Where the bytes come from: a `ByteSource`. */
interface BlockSource {
  readonly path: string;
  /** The next bytes, undefined at the end; rejects with a `TraceError` about line `line`. */
  next(line: number): Promise<Buffer | undefined>;
  close(): Promise<void>;
}

export class LineReader {
  /** Of the line taken last; 0 before the first. */
  lineNumber = 0;
  readonly #source: BlockSource;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  /** Decoded and not yet taken: `#text` from `#at` on. */
  #text = '';
  #at = 0;
  /** Bytes after the last LF read. */
  #carry: Buffer[] = [];
  #carryBytes = 0;
  /** The line after `#text` is not UTF-8. */
  #undecodable = false;

  constructor(source: BlockSource) {
    this.#source = source;
  }

  get path(): string {
    return this.#source.path;
  }

  /** The next line without its end; undefined when the text in hand is used up: call `more`. */
  next(): string | undefined {
    if (this.#at >= this.#text.length) {
      if (this.#undecodable) throw this.#fault('bytes that are not UTF-8', 'UTF-8 text, gzipped or not');
      return undefined;
    }
    let end = this.#text.indexOf('\n', this.#at);
    if (end < 0) end = this.#text.length;
    if (end - this.#at > LINE_BYTES_MAX) throw this.#tooLong();
    let line = this.#text.slice(this.#at, end);
    this.#at = end + 1;
    this.lineNumber++;
    if (line.endsWith('\r')) line = line.slice(0, -1);
    return this.lineNumber === 1 && line.startsWith('\uFEFF') ? line.slice(1) : line;
  }

  /** Reads until `next` has a line or the file ended (false). Only after `next` gave undefined. */
  async more(): Promise<boolean> {
    for (;;) {
      const block = await this.#source.next(this.lineNumber + 1);
      if (block === undefined) return this.#load(this.#takeCarry(undefined));
      const cut = block.lastIndexOf(LF) + 1;
      const whole = cut > 0 ? this.#takeCarry(block.subarray(0, cut)) : undefined;
      if (cut < block.length) this.#carry.push(block.subarray(cut));
      this.#carryBytes += block.length - cut;
      if (whole !== undefined) return this.#load(whole);
      if (this.#carryBytes > LINE_BYTES_MAX) throw this.#tooLong();
    }
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  #takeCarry(tail: Buffer | undefined): Buffer {
    if (tail !== undefined) this.#carry.push(tail);
    const whole = this.#carry.length === 1 ? (this.#carry[0] as Buffer) : Buffer.concat(this.#carry);
    this.#carry = [];
    this.#carryBytes = 0;
    return whole;
  }

  /** Decodes whole lines; false when there are none. */
  #load(lines: Buffer): boolean {
    this.#at = 0;
    try {
      this.#text = this.#decoder.decode(lines);
    } catch {
      this.#text = this.#decoder.decode(lines.subarray(0, this.#decodableBytes(lines)));
      this.#undecodable = true;
    }
    return lines.length > 0;
  }

  /** Bytes of the lines before the first that is not UTF-8. */
  #decodableBytes(lines: Buffer): number {
    let start = 0;
    try {
      while (start < lines.length) {
        const end = lines.indexOf(LF, start) + 1 || lines.length;
        this.#decoder.decode(lines.subarray(start, end));
        start = end;
      }
    } catch {
      return start;
    }
    return start;
  }

  #tooLong(): TraceError {
    return this.#fault(`a line of more than ${LINE_BYTES_MAX} bytes`, 'lines of at most 16 MiB');
  }

  /** About the line after the one taken last. */
  #fault(found: string, allowed: string): TraceError {
    return new TraceError(this.path, this.lineNumber + 1, found, allowed);
  }
}
