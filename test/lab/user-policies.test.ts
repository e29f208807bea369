import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { policyEntries } from '../../policies/index.ts';
import { policyObject } from '../../policies/config.ts';
import { entryIssues, strictEntry } from '../../src/lab/entry-issues.ts';
import { ScenarioError } from '../../src/lab/scenario-error.ts';
import { entriesOfFile, loadUserPolicies } from '../../src/lab/user-policies.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-user-policies-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function refusal(action: Promise<unknown>): Promise<string> {
  const error: unknown = await action.then(() => undefined, (reason: unknown) => reason);
  if (error instanceof ScenarioError) return error.message;
  throw new Error('nothing was refused', { cause: error });
}

const FORM = 'allowed an ES module (.mjs, .js) that exports policies: PolicyEntry[]';

describe('a policy file', () => {
  it.each([
    ['does not export policies', 'export const policy = [];', 'no export named policies'],
    ['exports no array', 'export const policies = {};', 'the export policies is no array'],
  ])('is refused when it %s', async (name, text, wrong) => {
    const path = file(`${name.replaceAll(' ', '-')}.mjs`, text);
    expect(await refusal(loadUserPolicies(path))).toBe(`${path}: ${wrong}; ${FORM}`);
  });

  it('is refused when it is missing, a folder or of another kind', async () => {
    const refused = (given: string) => refusal(loadUserPolicies(given));
    expect(await refused('nope.mjs')).toBe(`--policies: value "nope.mjs": no such file; ${FORM}`);
    expect(await refused('policies.json')).toBe(`--policies: value "policies.json"; ${FORM}`);
    expect(await refused(folder)).toContain(FORM);
  });

  it('is refused with its line when its syntax is wrong', async () => {
    const path = file('syntax.mjs', 'export const policies = [];\nconst wrong = ;\n');
    const message = await refusal(loadUserPolicies(path));
    expect(message.startsWith(`${path}`)).toBe(true);
    expect(message).toMatch(/cannot be loaded: .*; allowed /s);
  });

  it('is refused with its error when loading it throws', async () => {
    const path = file('throws.mjs', "throw new RangeError('not today');\n");
    expect(await refusal(loadUserPolicies(path))).toContain(`${path}: cannot be loaded: RangeError: not today at `);
  });

  it('adds its entries behind the shipped ones, and is hashed by content', async () => {
    const path = file('none.mjs', 'export const policies = [];\n');
    const loaded = await loadUserPolicies(relative(process.cwd(), path));
    expect(loaded.entries).toEqual(policyEntries);
    expect(loaded.file).toEqual({ path, hash: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown });
    expect(await entriesOfFile(undefined)).toBe(policyEntries);
    expect(await entriesOfFile(loaded.file)).toEqual(policyEntries);
  });

  it('is refused when it changes between resolving and running', async () => {
    const { file: before } = await loadUserPolicies(file('changing.mjs', 'export const policies = [];\n'));
    writeFileSync(before.path, 'export const policies = []; // other\n');
    const message = `${before.path}: changed since the scenario was resolved; run again`;
    expect(await refusal(entriesOfFile(before))).toBe(message);
  });
});

const SOUND = {
  role: 'router',
  name: 'mine',
  decides: 'Which worker: the first.',
  source: 'ours',
  config: policyObject('mine', {}),
  variants: {},
  make: () => ({ pick: () => 0 }),
};

describe('an entry of a policy file', () => {
  const issuesOf = (change: object, earlier: readonly unknown[] = []) => {
    return entryIssues({ ...SOUND, ...change }, 'my.mjs: policies[1]', earlier);
  };
  const ROLES = [...new Set(policyEntries.map(({ role }) => role))].join(', ');

  it('is accepted when it has what an entry has', () => {
    expect(issuesOf({})).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['an unknown role', { role: 'rooter' }, `.role: value "rooter"; allowed ${ROLES} (did you mean 'router'?)`],
    ['no role', { role: undefined }, `.role: missing; allowed ${ROLES}`],
    ['no decides', { decides: undefined }, '.decides: missing; allowed one sentence on what it decides, and how'],
    ['an empty source', { source: ' ' }, '.source: value " "; allowed text on where it comes from'],
    [
      'no variants',
      { variants: undefined },
      '.variants: missing; allowed an object of settings by name of the variant, or {}',
    ],
    ['a variant of text', { variants: { a: 'b' } }, '.variants.a: value "b"; allowed an object of settings'],
    ['no make', { make: undefined }, '.make: missing; allowed a function (config, context) that answers a policy'],
    [
      'a plain config',
      { config: { max: 1 } },
      '.config: it is no zod object; allowed a z.object (zod 4) with name: z.literal("mine"), ' +
        'such as policyObject makes',
    ],
    [
      'a config of another name',
      { config: policyObject('yours', {}) },
      '.config.name: another schema; allowed name: z.literal("mine")',
    ],
    [
      'a config without a name',
      { config: z.object({}) },
      '.config.name: missing; allowed name: z.literal("mine")',
    ],
  ])('is refused for %s', (_, change, message) => {
    expect(issuesOf(change)).toEqual([`my.mjs: policies[1]${message}`]);
  });

  it('is refused when its name is empty, shipped or used before', () => {
    expect(issuesOf({ name: '' })[0]).toBe('my.mjs: policies[1].name: value ""; allowed text that is not empty');
    expect(issuesOf({ name: 'random' })[0]).toBe(
      'my.mjs: policies[1].name: value "random": a router policy of that name is shipped; allowed another name',
    );
    expect(issuesOf({}, [SOUND])).toEqual([
      'my.mjs: policies[1].name: value "mine": a router policy of that name comes before it in the file; ' +
        'allowed another name',
    ]);
  });

  it('is refused as a whole when it is no object', () => {
    expect(entryIssues(3, 'my.mjs: policies[0]', [])).toEqual([
      'my.mjs: policies[0]: value 3; allowed an object with role, name, decides, source, config, variants, make',
    ]);
  });

  it('refuses unknown keys of its config unless it says otherwise', () => {
    const config = (schema: z.ZodObject) => strictEntry({ ...SOUND, config: schema } as never).config;
    const given = { name: 'mine', other: 1 };
    const plain = z.object({ name: z.literal('mine') });
    expect(config(plain).safeParse(given).success).toBe(false);
    expect(config(plain.loose()).safeParse(given).success).toBe(true);
  });
});
