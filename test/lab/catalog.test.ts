import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { catalog, firstSentence, shippedScenario } from '../../src/lab/catalog.ts';
import { packageRoot } from '../../src/lab/package-root.ts';
import { loadScenario } from '../../src/lab/scenario.ts';

describe('the catalog', () => {
  it('lists each shipped scenario under the name of its file, with a title', async () => {
    const entries = await catalog();
    expect(entries.map(({ name }) => name)).toContain('default');
    for (const { file, name, title } of entries) {
      expect(file).toBe(shippedScenario(name));
      const { name: own } = await loadScenario(file);
      expect(`/${name}`.endsWith(`/${own}`)).toBe(true);
      expect(title).toMatch(/^\S.*\S$/);
    }
  });

  it('has no two of one name in different folders: a name without its folder is enough', async () => {
    const names = (await catalog()).map(({ name }) => name.split('/').at(-1));
    expect(new Set(names).size).toBe(names.length);
  });

  it('finds the package from a folder deep inside it, and says so when there is none', () => {
    const root = packageRoot();
    expect(packageRoot(join(root, 'dist', 'src', 'lab', 'catalog.js'))).toBe(root);
    expect(existsSync(shippedScenario('default'))).toBe(true);
    expect(() => packageRoot(join(tmpdir(), 'x.js'))).toThrow('no package.json of spillway above');
  });

  it.each([
    ['One. Two.', 'One.'],
    ['A rate of 1.5 holds. Then not.', 'A rate of 1.5 holds.'],
    ['Broken\n  over lines! Yes', 'Broken over lines!'],
    ['no stop', 'no stop'],
  ])('takes the first sentence: %o → %s', (prose, sentence) => {
    expect(firstSentence(prose)).toBe(sentence);
  });
});
