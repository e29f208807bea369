/** `.ci/chromium` under an apt-get, an id and a sudo of ours: what it asks for, and when it gives up. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const SCRIPT = join(import.meta.dirname, '../.ci/chromium');
const BROWSER = '#!/bin/sh\necho Chromium 1\n';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-'));
  program('id', 'echo 0');
  program('sleep', 'exit 0');
  program('seq', 'echo 1 2 3');
  program('env', 'shift; exec "$@"');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('takes the browser there is', () => {
  program('google-chrome', 'echo Chrome 1');
  expect(script()).toEqual({ status: 0, printed: join(folder, 'google-chrome'), said: '' });
});

it('passes over a name that is no browser', () => {
  program('chromium-browser', 'echo install the snap >&2; exit 1');
  program('google-chrome', 'echo Chrome 1');
  expect(script().printed).toBe(join(folder, 'google-chrome'));
});

it('installs one as root, and prints its path alone', () => {
  aptGet(0);
  expect(script()).toMatchObject({ status: 0, printed: join(folder, 'chromium') });
  expect(asked()).toEqual(['update', 'install --no-install-recommends chromium']);
});

it('tries again when the network fails', () => {
  aptGet(2);
  expect(script()).toMatchObject({ status: 0, printed: join(folder, 'chromium') });
  expect(asked()).toEqual(['update', 'update', 'update', 'install --no-install-recommends chromium']);
});

it('gives up after three tries, and says what to do', () => {
  aptGet(9);
  const { status, printed, said } = script();
  expect({ status, printed }).toEqual({ status: 1, printed: '' });
  expect(said).toContain('install the package chromium, or set SPILLWAY_CHROMIUM');
  expect(asked()).toEqual(['update', 'update', 'update']);
});

it('goes through sudo where it is not root, and gives up where that asks for a password', () => {
  aptGet(0);
  program('id', 'echo 1000');
  program('sudo', 'exit 1');
  expect(script()).toMatchObject({ status: 1, printed: '' });
  expect(asked()).toEqual([]);
  program('sudo', 'shift; [ "$1" = true ] || exec "$@"');
  expect(script()).toMatchObject({ status: 0, printed: join(folder, 'chromium') });
});

it('installs nothing where SPILLWAY_CHROMIUM names no program', () => {
  aptGet(0);
  expect(script({ SPILLWAY_CHROMIUM: '/nowhere/chrome' })).toMatchObject({ status: 1, printed: '' });
  expect(asked()).toEqual([]);
});

function program(name: string, body: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(folder, name), 0o755);
}

/** One whose first `failures` calls fail; it logs what is asked behind the options. */
function aptGet(failures: number): void {
  const browser = join(folder, 'chromium');
  program(
    'apt-get',
    `while :; do case "$1" in -o) shift 2;; -*) shift;; *) break;; esac; done
echo "$*" >> ${folder}/log
echo progress
calls=0; while read -r line; do calls=$((calls + 1)); done < ${folder}/log
[ "$calls" -gt ${failures} ] || exit 100
[ "$1" != install ] || { printf '${BROWSER.replaceAll('\n', '\\n')}' > ${browser}; /bin/chmod +x ${browser}; }`,
  );
}

function asked(): string[] {
  const log = join(folder, 'log');
  return existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : [];
}

function script(env: NodeJS.ProcessEnv = {}): { status: number | null; printed: string; said: string } {
  const options = { env: { PATH: folder, ...env }, encoding: 'utf8' } as const;
  const { status, stdout, stderr } = spawnSync('/bin/bash', [SCRIPT], options);
  return { status, printed: stdout.trimEnd(), said: stderr };
}
