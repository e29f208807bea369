/** README's walk-through as processes: two engines, a proxy, curl's part played by fetch; one engine is killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packageRoot } from '../../src/lab/package-root.ts';
import { chat } from './clients.ts';
import { until } from './stage.ts';

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  said: string;
}

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function start(...args: readonly string[]): Started {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args], { cwd: packageRoot() });
  children.push(child);
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const started: Started = { child, ended, said: '' };
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (started.said += String(chunk)));
  return started;
}

async function urlOf(started: Started): Promise<string> {
  const url = (): string | undefined => /http:\/\/127\.0\.0\.1:\d+/.exec(started.said)?.[0];
  await until(() => url() !== undefined);
  return url() as string;
}

it('retries what has no byte out, breaks what has with an error event, reloads, drains, and replays', async () => {
  const engines = [start('engine', '--port', '0'), start('engine', '--port', '0')];
  const urls = await Promise.all(engines.map(urlOf));
  const config = join(folder, 'proxy.yaml');
  const journal = join(folder, 'journal');
  const write = (rest: string): void => {
    const workers = `workers: [${urls.join(', ')}]`;
    writeFileSync(config, `listen: 127.0.0.1:0\n${workers}\npolicies: {router: {name: round-robin}}\n${rest}`);
  };
  write('');
  const proxy = start('proxy', '--config', config, '--journal', journal);
  await until(() => proxy.said.includes('"listening"'));
  const url = /"listen":"([^"]+)"/.exec(proxy.said)?.[1] as string;

  const streams = await Promise.all([1, 2].map(() => chat(url, { stream: true, max_tokens: 3000 })));
  engines[0]?.child.kill('SIGKILL');
  const after = await Promise.all([1, 2, 3, 4].map(() => chat(url)));
  expect(after.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  const [broken, whole] = streams as [Response, Response];
  const text = await broken.text();
  expect(text).toContain('"code":"upstream_failed"');
  expect(text).not.toContain('[DONE]');

  write('models: [simulated]\n');
  proxy.child.kill('SIGHUP');
  await until(() => proxy.said.includes('"reloaded"'));
  expect((await chat(url)).status).toBe(404);
  write('models: 7\n');
  proxy.child.kill('SIGHUP');
  await until(() => proxy.said.includes('configuration refused'));
  expect((await chat(url, { model: 'simulated' })).status).toBe(200);

  await whole.body?.cancel();
  proxy.child.kill('SIGTERM');
  expect(await proxy.ended).toBe(0);
  engines[1]?.child.kill('SIGTERM');
  expect(await engines[1]?.ended).toBe(0);
  expect(readFileSync(journal, 'utf8').length).toBeGreaterThan(1000);
  const replayed = start('replay', journal);
  expect(await replayed.ended).toBe(0);
  expect(replayed.said).toContain('all as recorded');
});
