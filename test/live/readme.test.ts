/** README's walk-through of the live gateway, as printed but for its ports and the launcher. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packageRoot } from '../../src/lab/package-root.ts';
import { chat } from './clients.ts';
import { until } from './stage.ts';

const PORTS = ['18001', '18002', '18080'];
const LAUNCHER = [process.execPath, '--import', 'tsx', join(packageRoot(), 'src/cli/main.ts')];
const hasCurl = spawnSync('curl', ['--version']).error === undefined;

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** The first blocks of code of the section: its configuration, and its three lines of commands. */
function printed(): { yaml: string; commands: string[] } {
  const readme = readFileSync(join(packageRoot(), 'README.md'), 'utf8');
  const section = readme.slice(readme.indexOf('### A gateway, for real'));
  const block = (kind: string): string => new RegExp(`\`\`\`${kind}\\n([\\s\\S]*?)\`\`\``).exec(section)?.[1] ?? '';
  return { yaml: block('yaml'), commands: block('sh').trim().split('\n') };
}

/** Distinct ones, free a moment ago. */
async function freePorts(): Promise<string[]> {
  const servers = PORTS.map(() => createServer());
  for (const server of servers) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const ports = servers.map((server) => String((server.address() as AddressInfo).port));
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports;
}

interface Running {
  readonly child: ChildProcess;
  said: string;
}

/** Starts `npx spillway …` in the folder. */
function start(command: string): Running {
  const [first = '', ...launch] = LAUNCHER;
  const args = command.replace('npx spillway ', '').split(' ').filter((word) => word !== '');
  const child = spawn(first, [...launch, ...args], { cwd: packageRoot() });
  children.push(child);
  const running = { child, said: '' };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (running.said += String(chunk)));
  return running;
}

it.runIf(hasCurl)('retries, breaks off with an event and replays, as printed', async () => {
  const ports = await freePorts();
  const here = (text: string): string => {
    return PORTS.reduce((changed, port, i) => changed.replaceAll(port, ports[i] as string), text);
  };
  const { yaml, commands } = printed();
  writeFileSync(join(folder, 'proxy.yaml'), here(yaml));
  const [engines = '', proxyCommand = '', curl = ''] = commands.map(here);
  const two = engines.split('&').filter((each) => each.trim() !== '').map(start);
  expect(two).toHaveLength(2);
  for (const engine of two) await until(() => engine.said.includes('http://127.0.0.1'));
  const inFolder = proxyCommand
    .replace(' &', '')
    .replace('--config proxy.yaml', `--config ${folder}/proxy.yaml`)
    .replace('--journal journal', `--journal ${folder}/journal`);
  const proxy = start(inFolder);
  await until(() => proxy.said.includes('"listening"'));

  const streamed = spawnSync('sh', ['-c', curl], { encoding: 'utf8' });
  expect(streamed.stdout.match(/^data: /gm)?.length).toBeGreaterThan(40);
  expect(streamed.stdout.endsWith('data: [DONE]\n\n')).toBe(true);

  const url = `http://127.0.0.1:${ports[2]}`;
  const streams = await Promise.all([1, 2].map(() => chat(url, { stream: true, max_tokens: 5000 })));
  two[0]?.child.kill('SIGKILL');
  const after = await Promise.all(Array.from({ length: 6 }, () => chat(url)));
  expect(after.map(({ status }) => status)).toEqual(Array<number>(6).fill(200));
  const broken = await Promise.race(streams.map((stream) => stream.text()));
  expect(broken).toContain('"code":"upstream_failed"');
  expect(broken).not.toContain('[DONE]');

  proxy.child.kill('SIGTERM');
  two[1]?.child.kill('SIGKILL');
  await new Promise((resolve) => proxy.child.once('close', resolve));
  const replay = start(`replay ${folder}/journal`);
  await new Promise((resolve) => replay.child.once('close', resolve));
  expect(replay.said).toContain('all as recorded');
});
