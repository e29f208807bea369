/** Where Spillway itself lies: found from this module upwards, from the sources and from `dist` alike. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Absolute path of the folder whose package.json has the name spillway. Throws when there is none: a broken
 * install.
 */
export function packageRoot(from: string = fileURLToPath(import.meta.url)): string {
  for (let folder = dirname(from); ; folder = dirname(folder)) {
    if (isOurs(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) throw new Error(`no package.json of spillway above ${from}`);
  }
}

function isOurs(path: string): boolean {
  if (!existsSync(path)) return false;
  return (JSON.parse(readFileSync(path, 'utf8')) as { name?: unknown }).name === 'spillway';
}
