/** Which file the operand of a command means. */
import { existsSync } from 'node:fs';
import { basename, relative } from 'node:path';
import { shippedName, shippedScenarios } from '../lab/catalog.ts';
import { didYouMean } from '../lab/nearest.ts';
import { UsageError } from './usage-error.ts';

/**
 * A bare name that is no file here means the scenario that is shipped under it, with or without its folder. Throws
 * UsageError when none is.
 */
export function scenarioFile(given: string): string {
  if (!/^[a-z0-9/-]+$/.test(given) || existsSync(given)) return given;
  const files = shippedScenarios();
  const shipped = files.find((file) => shippedName(file) === given || shippedName(file).endsWith(`/${given}`));
  if (shipped !== undefined) return shown(shipped);
  const near = didYouMean(given, [...files.map(shippedName), ...files.map((file) => basename(file, '.yaml'))]);
  const allowed = `allowed a file, or a name that spillway scenarios lists${near}`;
  throw new UsageError(`scenario ${JSON.stringify(given)}: no such file and none shipped of that name; ${allowed}`);
}

/** As seen from the working folder, when that is shorter. */
export function shown(path: string): string {
  const near = relative(process.cwd(), path);
  return near.length < path.length ? near : path;
}

/** A word for a POSIX shell. */
export function quoted(word: string): string {
  return /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
