/** Which file the operand of a command means. */
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { shippedScenario, shippedScenarios } from '../lab/catalog.ts';

/** A bare name that is no file here means the scenario that is shipped under it. */
export function scenarioFile(given: string): string {
  if (!/^[a-z0-9/-]+$/.test(given) || existsSync(given)) return given;
  const shipped = shippedScenario(given);
  return shippedScenarios().includes(shipped) ? shown(shipped) : given;
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
