/** README's walk through the lab, from a replay to the comparison of the repaired policy, as printed. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packageRoot } from '../../src/lab/package-root.ts';

const LAUNCHER = `${process.execPath} --import ${import.meta.resolve('tsx')} ${join(packageRoot(), 'src/cli/main.ts')}`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Policy, commands and what is said of them. */
function printed(): { policy: string; commands: string[]; said: string } {
  const readme = readFileSync(join(packageRoot(), 'README.md'), 'utf8');
  const section = readme.slice(readme.indexOf('#### From an incident to a fix that is shown'));
  const block = (kind: string): string => new RegExp(`\`\`\`${kind}\\n([\\s\\S]*?)\`\`\``).exec(section)?.[1] ?? '';
  return { policy: block('js'), commands: block('sh').trim().split('\n'), said: block('text') };
}

function sh(command: string): { status: number | null; stdout: string; stderr: string } {
  return spawnSync('sh', ['-c', command.replace('npx spillway', LAUNCHER)], { cwd: folder, encoding: 'utf8' });
}

it('replays, finds, shrinks, explains, is repaired and compares, as printed', { timeout: 600_000 }, () => {
  const { policy, commands, said } = printed();
  writeFileSync(join(folder, 'doubling.mjs'), policy);
  const [replay = '', find = '', explain = '', repair = '', again = '', survive = '', compare = ''] = commands;

  expect(sh(replay)).toMatchObject({ status: 0, stderr: '' });
  const found = sh(find);
  expect(found.status).toBe(3);
  const lines = said.trim().split('\n').filter((line) => line !== '…');
  for (const line of lines) expect(found.stdout).toContain(line);
  const why = sh(explain);
  expect(why).toMatchObject({ status: 0, stderr: '' });
  expect(why.stdout).toContain('retry doubling: delayUs(');
  expect(sh(repair).status).toBe(0);
  expect(sh(again)).toMatchObject({ status: 0, stderr: '' });
  const survived = sh(survive);
  expect({ status: survived.status, held: survived.stdout.includes('every promise held') }).toEqual({
    status: 0,
    held: true,
  });
  const compared = sh(compare);
  expect(compared.status).toBe(0);
  expect(compared.stdout.replaceAll('\n', ' ')).toMatch(/good requests .* better in 10 of 10 seeds/);
  expect(existsSync(join(folder, 'report', 'comparison.html'))).toBe(true);
});
