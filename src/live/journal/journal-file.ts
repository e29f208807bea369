/** The lines of a journal file, read block by block: a journal may be larger than a string. */
import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

const BLOCK_BYTES = 1 << 20;

/** The last line may lack its end. Throws what opening or reading throws. */
export function* journalLines(path: string): Generator<string> {
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
