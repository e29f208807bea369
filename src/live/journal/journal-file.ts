/**
 * A journal on disk: FILE is the segment that is written now, FILE.1, FILE.2 and so on are those before it, the oldest
 * first. Lines are read block by block: a journal may be larger than a string.
 */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { type JournalHead, parseHead } from './journal-lines.ts';

const BLOCK_BYTES = 1 << 20;

/** The lines of all segments of its run that are there, oldest first. The last line may lack its end. Throws as fs. */
export function* journalLines(path: string): Generator<string> {
  for (const segment of chainOf(path)) yield* fileLines(segment);
}

/** Numbers of the segments before `path`, ascending. */
export function segmentNumbers(path: string): number[] {
  const prefix = `${basename(path)}.`;
  const numbers = readdirSync(dirname(path)).flatMap((name) => {
    const digits = name.startsWith(prefix) ? name.slice(prefix.length) : '';
    return /^[1-9]\d{0,8}$/.test(digits) ? [Number(digits)] : [];
  });
  return numbers.sort((a, b) => a - b);
}

export function segmentPath(path: string, number: number): string {
  return `${path}.${number}`;
}

/** `path` and those right before it of the same run. */
function chainOf(path: string): string[] {
  const chain = [path];
  let after = headOf(path);
  for (const number of segmentNumbers(join(dirname(path), basename(path))).reverse()) {
    const before = segmentPath(path, number);
    const head = headOf(before);
    if (head === undefined || after === undefined) break;
    if (head.seed !== after.seed || head.segment !== after.segment - 1) break;
    chain.unshift(before);
    after = head;
  }
  return chain;
}

function headOf(path: string): JournalHead | undefined {
  for (const line of fileLines(path)) return parseHead(line);
  return undefined;
}

function* fileLines(path: string): Generator<string> {
  const file = openSync(path, 'r');
  try {
    const block = Buffer.alloc(BLOCK_BYTES);
    const decoder = new StringDecoder('utf8');
    let open = '';
    for (let bytes = readSync(file, block); bytes > 0; bytes = readSync(file, block)) {
      const lines = (open + decoder.write(block.subarray(0, bytes))).split('\n');
      open = lines.pop() as string;
      yield* lines;
    }
    if (open !== '') yield open;
  } finally {
    closeSync(file);
  }
}
