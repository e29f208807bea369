/**
 * Twenty worlds around each incident: the repaired policies survive them all. `npm run incidents:fuzz` draws a
 * thousand. The command runs as it is installed, on as many threads as there are cores, so what it runs is `dist`.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { packageRoot } from '../src/lab/package-root.ts';

const DRAWS = 20;
const TIMEOUT_MS = 300_000;

it('loses none of the worlds around the incidents', async () => {
  const main = join(packageRoot(), 'dist/src/cli/main.js');
  // Rejects with what was said when the exit code is not 0.
  const { stdout } = await promisify(execFile)(process.execPath, [main, 'incidents', '--fuzz', String(DRAWS)]);
  const rows = stdout.trimEnd().split('\n').slice(2);
  expect(rows.length).toBeGreaterThanOrEqual(30);
  for (const row of rows) expect(row).toMatch(/ 20 +\d+ +0 +[\d.]+$/);
}, TIMEOUT_MS);
