/**
 * What a batch's files belong to: FILE.state beside the results, written whole before the first of them. A start that
 * finds another input, configuration or errors file is refused: its rows could be lost or done twice.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { BatchError, diskReason } from './batch-error.ts';

const stateSchema = z.strictObject({
  spillwayBatch: z.literal(1),
  /** SHA-256, in hexadecimal. */
  input: z.string(),
  config: z.string(),
  rows: z.int(),
  /** File of the rows that failed. */
  errors: z.string(),
});
export type BatchState = Omit<z.output<typeof stateSchema>, 'spillwayBatch'>;

export function statePath(out: string): string {
  return `${out}.state`;
}

/** Undefined when there is none yet. Throws BatchError. */
export function readState(out: string): BatchState | undefined {
  const path = statePath(out);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new BatchError(`${path}: ${diskReason(error)}`);
  }
  const parsed = stateSchema.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  throw new BatchError(`${path}: no state of a batch of this version; allowed one that spillway batch wrote`);
}

/** Replaces it in one step, on disk when this returns. Throws BatchError. */
export function writeState(out: string, { input, config, rows, errors }: BatchState): void {
  const path = statePath(out);
  const temporary = `${path}.tmp-${process.pid}`;
  try {
    const file = openSync(temporary, 'w');
    try {
      writeSync(file, `${JSON.stringify({ spillwayBatch: 1, input, config, rows, errors })}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    syncFolder(path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new BatchError(`cannot write ${path}: ${diskReason(error)}`);
  }
}

/** Brings the names in the folder of `path` to disk. */
export function syncFolder(path: string): void {
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
