/** Policy files with one planted fault each, written where nobody else looks. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../../src/lab/package-root.ts';

/** Path of a module that exports the policies of these names, of `faulty.mjs` or `wrong.mjs`. */
export function plantedFile(folder: string, fixture: 'faulty' | 'wrong', ...names: readonly string[]): string {
  const url = pathToFileURL(join(packageRoot(), `test/lab/fuzz/fixtures/${fixture}.mjs`)).href;
  const path = join(folder, `${names.join('-')}.mjs`);
  const list = JSON.stringify(names);
  const chosen = `all.filter(({ name }) => ${list}.includes(name))`;
  writeFileSync(path, `import { all } from '${url}';\nexport const policies = ${chosen};\n`);
  return path;
}
