/** `spillway init DIR`: a folder to begin in. Nothing that is there is touched; a package.json of your own stays. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { initFiles } from './init-files.ts';
import { checkOutputPath } from './output-folder.ts';
import { quoted } from './scenario-file.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';
import { packageVersion } from './version.ts';
import { writeError, writeWhole } from './write-files.ts';

const MANIFEST = 'package.json';

/** Throws UsageError; nothing is written then. */
export async function initCommand(folder: string, terminal: Terminal): Promise<ExitCode> {
  checkOutputPath(folder);
  const files = Object.entries(initFiles(packageVersion())).filter(([name]) => {
    return name !== MANIFEST || !existsSync(join(folder, name));
  });
  const taken = files.map(([name]) => join(folder, name)).filter((path) => existsSync(path));
  if (taken.length > 0) throw new UsageError(`init: ${taken.join(', ')} is there already; allowed a folder without`);
  for (const [name, text] of files) {
    const path = join(folder, name);
    try {
      mkdirSync(dirname(path), { recursive: true });
    } catch (error) {
      throw writeError(path, error);
    }
    writeWhole(path, text);
  }
  const lines = files.map(([name]) => `  ${join(folder, name)}\n`).join('');
  const next = `cd ${quoted(folder)} && npm install && npm test`;
  const run = 'npx spillway run scenario.yaml --policies policies.mjs --all-variants';
  await terminal.print(`${lines}\nNext: ${next}\n      ${run}\n      npx spillway fuzz --policies policies.mjs\n`);
  return EXIT.ok;
}
