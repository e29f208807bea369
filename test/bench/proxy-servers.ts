/**
 * The servers of the proxy bench, each a process of its own: those of proxy-process.ts, bundled without a loader's
 * helpers so that all are measured as they would be installed, and HAProxy where the machine has it.
 */
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface Used {
  readonly cpuUs: number;
  readonly rssMb: number;
}

export interface Server {
  readonly port: number;
  used(): Promise<Used>;
  stop(): void;
}

const SOURCE = fileURLToPath(new URL('proxy-process.ts', import.meta.url));
/** Inside the package, so that its dependencies are found. */
const FOLDER = fileURLToPath(new URL('../../node_modules/.cache/spillway-bench/', import.meta.url));
/** Of /proc/PID/stat on Linux. */
const TICK_US = 10_000;
const KB_PER_MB = 1024;

/** Starts processes of proxy-process.ts by their arguments. */
export async function bundledServers(): Promise<(...args: readonly string[]) => Promise<Server>> {
  mkdirSync(FOLDER, { recursive: true });
  const outfile = join(FOLDER, 'proxy-process.mjs');
  const options = { bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external' } as const;
  await build({ ...options, entryPoints: [SOURCE], outfile, logLevel: 'warning' });
  return (...args) => {
    const child = fork(outfile, args, { execArgv: [] });
    return new Promise((resolve) => {
      child.once('message', (said) => resolve(serverOf(child, said as { port: number })));
    });
  };
}

function serverOf(child: ChildProcess, { port }: { readonly port: number }): Server {
  const used = (): Promise<Used> => {
    return new Promise((resolve) => {
      child.once('message', (said) => resolve(said as Used));
      child.send('?');
    });
  };
  return { port, used, stop: () => void child.kill() };
}

/** One thread of HAProxy before the worker; undefined where it is not installed. */
export async function haproxy(workerPort: number): Promise<(Server & { readonly version: string }) | undefined> {
  const asked = spawnSync('haproxy', ['-v'], { encoding: 'utf8' });
  if (asked.error !== undefined) return undefined;
  const version = /version (\S+)/.exec(asked.stdout)?.[1] ?? 'unknown';
  const folder = mkdtempSync(join(tmpdir(), 'spillway-bench-'));
  const port = await freePort();
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(file, haproxyConfig(port, workerPort));
  const child = spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' });
  await listening(port);
  const stop = (): void => {
    child.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  return { port, version, stop, used: () => Promise.resolve(usedByProcess(child.pid as number)) };
}

function haproxyConfig(port: number, workerPort: number): string {
  return [
    'global\n  nbthread 1\n  maxconn 4000',
    'defaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s',
    `frontend in\n  bind 127.0.0.1:${port}\n  default_backend workers`,
    `backend workers\n  http-reuse always\n  server w 127.0.0.1:${workerPort}\n`,
  ].join('\n');
}

function usedByProcess(pid: number): Used {
  const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const fields = rest.split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { cpuUs: ticks * TICK_US, rssMb: Number(rss) / KB_PER_MB };
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

async function listening(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
