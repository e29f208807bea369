/** The committed report of issue 725 is the one that `npm start` writes. The command runs as it is built, in `dist`. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const TIMEOUT_MS = 300_000;

const folder = mkdtempSync(join(tmpdir(), 'spillway-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Another version of Node writes the same but for its name. */
const withoutNode = (report: string): string => report.replace(/^Node v\S+$/m, 'Node.');

describe('the committed report of issue 725', () => {
  it('is what npm start writes (else: npm start)', async () => {
    const scenario = 'scenarios/datadesigner-725.yaml';
    const args = [join(ROOT, 'dist/src/cli/main.js'), 'run', scenario, '--all-variants', '--out', folder];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
    expect(stdout).toContain('20 of 20 expectations of the scenario hold.');
    const committed = readFileSync(join(ROOT, 'reports/datadesigner-725/report.md'), 'utf8');
    expect(withoutNode(readFileSync(join(folder, 'report.md'), 'utf8'))).toBe(withoutNode(committed));
  }, TIMEOUT_MS);
});
