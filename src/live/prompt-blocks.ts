/**
 * The leading blocks of a prompt, each known by a number that stands for it and all before it, so that two prompts
 * agree as far as their numbers do. Keyed, nobody who has the numbers can try prompts on them.
 */
import { createHmac } from 'node:crypto';

export interface BlockRules {
  /** UTF-8 bytes of one block. */
  readonly bytes: number;
  /** Blocks that are told apart, of the front. */
  readonly most: number;
}

const ID_BYTES = 6;
/** Between two texts: a byte that no text has. */
const SEPARATOR = Buffer.from([0xff]);

/** One id for each leading block, of all up to its end, the last perhaps open: 48 bits, never 0. */
export function blockHashes(texts: readonly string[], { bytes, most }: BlockRules, key: Buffer | string): number[] {
  const lead = leadingBytes(texts, bytes * most);
  const hashes: number[] = [];
  let before = Buffer.alloc(0);
  for (let at = 0; at < lead.length; at += bytes) {
    const content = lead.subarray(at, at + bytes);
    before = createHmac('sha256', key).update(before).update(content).digest();
    hashes.push(1 + before.readUIntBE(0, ID_BYTES));
  }
  return hashes;
}

/** The first bytes of the prompt. */
function leadingBytes(texts: readonly string[], bytesMax: number): Buffer {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for (const text of texts) {
    if (bytes >= bytesMax) break;
    // A character is a byte at least, so that more of them are not needed.
    const piece = Buffer.from(text.slice(0, bytesMax - bytes));
    pieces.push(piece, SEPARATOR);
    bytes += piece.length + 1;
  }
  return Buffer.concat(pieces).subarray(0, bytesMax);
}
