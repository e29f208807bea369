/**
 * The package as it is published: what a user installs resolves, has types, and what `spillway init` writes passes with
 * it. Runs `dist`, which `npm test` builds first.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TEST, WORKFLOW } from '../src/cli/init-files.ts';
import { packageRoot } from '../src/lab/package-root.ts';

const root = packageRoot();

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-package-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function node(cwd: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('the package', () => {
  it('has nothing that publint minds', { timeout: 120_000 }, async () => {
    const { messages } = await publint({ pkgDir: root, pack: false });
    expect(messages.filter(({ type }) => type !== 'suggestion')).toEqual([]);
  });

  it('has types that every resolution of ES modules finds', { timeout: 180_000 }, () => {
    const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js');
    const { status, stdout } = node(root, attw, '--pack', '.', '--profile', 'esm-only', '--format', 'table');
    expect(stdout).toContain('"spillway/lab"');
    expect(status).toBe(0);
  });
});

describe('what spillway init writes', () => {
  it('passes its own test and runs, offline', { timeout: 180_000 }, () => {
    const mine = join(folder, 'mine');
    const cli = join(root, 'dist/src/cli/main.js');
    expect(node(folder, cli, 'init', mine).status).toBe(0);
    mkdirSync(join(mine, 'node_modules'));
    symlinkSync(root, join(mine, 'node_modules/spillway'));
    for (const name of ['vitest', 'fast-check']) {
      symlinkSync(join(root, 'node_modules', name), join(mine, 'node_modules', name));
    }
    const test = node(mine, join(mine, 'node_modules/vitest/vitest.mjs'), 'run');
    expect(`${test.stdout}${test.stderr}`).toContain('1 passed');
    expect(test.status).toBe(0);
    const run = node(mine, cli, 'run', 'scenario.yaml', '--policies', 'policies.mjs');
    expect(run).toMatchObject({ status: 0, stderr: '' });
  });

  it('touches nothing that is there', () => {
    const { status, stderr } = node(folder, join(root, 'dist/src/cli/main.js'), 'init', join(folder, 'mine'));
    expect(status).toBe(2);
    expect(stderr).toContain('scenario.yaml');
  });

  it('is what the README shows', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    expect(readme).toContain(TEST);
    expect(readme).toContain(WORKFLOW);
  });
});
