/**
 * The lines of a file with their places in it, block by block: however large the file, one block and the longest line
 * are in memory.
 */
import type { promises } from 'node:fs';

const BLOCK_BYTES = 1 << 20;
const LF = 10;

export interface ScannedLine {
  /** Without its end; valid until the next line is asked for. */
  readonly bytes: Buffer;
  /** Byte at which it begins. */
  readonly at: number;
  /** From 1. */
  readonly number: number;
  /** A line end follows; only the last line may lack it. */
  readonly isEnded: boolean;
}

/** A line is longer than allowed. */
export class LongLine extends Error {
  override readonly name = 'LongLine';
  /** From 1. */
  readonly line: number;

  constructor(line: number) {
    super(`line ${line} is too long`);
    this.line = line;
  }
}

/**
 * Every line of `file` from its start; `onBlock` sees all bytes in order. Rejects with LongLine, or what reading says.
 */
export async function* scanLines(
  file: promises.FileHandle,
  lineBytesMax: number,
  onBlock?: (bytes: Buffer) => void,
): AsyncGenerator<ScannedLine> {
  let open = Buffer.alloc(0);
  let at = 0;
  let number = 0;
  for (let read = 0; ; ) {
    const block = Buffer.allocUnsafe(BLOCK_BYTES);
    const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, read);
    if (bytesRead === 0) break;
    read += bytesRead;
    const bytes = block.subarray(0, bytesRead);
    onBlock?.(bytes);
    const text = open.length === 0 ? bytes : Buffer.concat([open, bytes]);
    let from = 0;
    for (let end = text.indexOf(LF, open.length); end >= 0; end = text.indexOf(LF, from)) {
      number++;
      if (end - from > lineBytesMax) throw new LongLine(number);
      yield { bytes: text.subarray(from, end), at: at + from, number, isEnded: true };
      from = end + 1;
    }
    open = text.subarray(from);
    at += from;
    if (open.length > lineBytesMax) throw new LongLine(number + 1);
  }
  if (open.length > 0) yield { bytes: open, at, number: number + 1, isEnded: false };
}
