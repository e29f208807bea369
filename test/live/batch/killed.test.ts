/** A batch as a process of its own: killed at any instant, interrupted, and met by a second one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packageRoot } from '../../../src/lab/package-root.ts';
import { stream } from '../../../src/kernel/rng.ts';
import { post } from '../clients.ts';
import { Stage, until } from '../stage.ts';
import { BatchFiles, chatRows, QUICK_CALLS } from './batch-files.ts';

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  said: string;
}

/** More of them (SPILLWAY_KILLS) is a longer night. */
const KILLS = Number(process.env['SPILLWAY_KILLS'] ?? 3);
const ROWS = 300;

let stage: Stage;
let files: BatchFiles;
const children: ChildProcess[] = [];
beforeEach(() => {
  stage = new Stage();
  files = new BatchFiles();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await stage.close();
  files.remove();
});

function start(...more: readonly string[]): Started {
  const args = ['--import', 'tsx', 'src/cli/main.ts', ...files.args(...more)];
  const child = spawn(process.execPath, args, { cwd: packageRoot() });
  children.push(child);
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const started: Started = { child, ended, said: '' };
  for (const output of [child.stdout, child.stderr]) output?.on('data', (chunk) => (started.said += String(chunk)));
  return started;
}

/** It holds the lock, so it reads, calls or writes. */
async function underWay(started: Started): Promise<void> {
  let isOver = false;
  void started.ended.then(() => (isOver = true));
  await until(() => isOver || existsSync(`${files.out}.lock`));
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

it(`ends every row once, killed ${KILLS} times at random instants by a flaky engine's side`, async () => {
  const draw = stream('batch', 'kills');
  const engine = await stage.engine();
  const faults = [
    { kind: 'errors', ratio: 0.15, status: 503 },
    { kind: 'rate-limit', ratio: 0.05, retryAfter: 'none' },
    { kind: 'cut', ratio: 0.1, after: 1 },
    { kind: 'late', by: '5ms' },
  ];
  await post(`${engine.url}/faults`, faults);
  files.writeRows(chatRows(ROWS));
  const admission = 'admission: {name: aimd, cooldown: 5ms}';
  files.writeConfig([engine.url], `concurrency: 4\npolicies: {${QUICK_CALLS}, ${admission}}`);
  for (let kills = 0; kills < KILLS; kills++) {
    const started = start();
    await underWay(started);
    await sleep(draw() * 250);
    started.child.kill('SIGKILL');
    await started.ended;
  }
  const last = start();
  expect([0, 1]).toContain(await last.ended);
  const ids = [...files.results(), ...files.failures()].map((line) => line.custom_id);
  expect(ids).toHaveLength(ROWS);
  expect(new Set(ids).size).toBe(ROWS);
  for (const { response } of files.results()) expect(response?.status_code).toBe(200);
  for (const { response } of files.failures()) expect(response?.status_code ?? 0).not.toBe(200);
});

it('keeps a second process out, lets running calls end after SIGINT, and goes on later', async () => {
  const engine = await stage.engine();
  await post(`${engine.url}/faults`, { kind: 'hang', scope: 'engine' });
  files.writeRows(chatRows(60));
  files.writeConfig([engine.url], 'concurrency: 4');
  const first = start();
  await underWay(first);
  await until(() => engine.held === 4);
  const second = start();
  expect(await second.ended).toBe(2);
  expect(second.said).toContain(`held by process ${first.child.pid}; allowed one process at a time`);
  first.child.kill('SIGINT');
  await sleep(100);
  await fetch(`${engine.url}/faults`, { method: 'DELETE' });
  expect(await first.ended).toBe(130);
  expect(first.said).toMatch(/interrupted: \d+ rows are to do; run again to go on/);
  const done = files.results().length;
  expect(done).toBe(4);
  expect(existsSync(`${files.out}.lock`)).toBe(false);
  const third = start();
  expect(await third.ended).toBe(0);
  expect(third.said).toContain(`goes on: ${done} of 60 rows are done`);
  expect(new Set(files.results().map((line) => line.custom_id)).size).toBe(60);
});
