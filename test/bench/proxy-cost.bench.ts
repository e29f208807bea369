/**
 * What the proxy costs: CPU of its process for one request, beside the least that a proxy on undici can do, in turns
 * within one run; and what it adds to the median latency at 8 connections. Each in a process of its own.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';

const CHILD = fileURLToPath(new URL('proxy-process.ts', import.meta.url));
const CONNECTIONS = 8;
const ROUNDS = 5;
const MESSAGES = [{ role: 'user', content: 'a prompt of some length '.repeat(40) }];
const CASES = [
  { name: 'JSON', requests: 4000, body: JSON.stringify({ model: 'm', messages: MESSAGES, max_tokens: 64 }) },
  { name: '64 events', requests: 800, body: JSON.stringify({ model: 'm', stream: true, messages: MESSAGES }) },
];

interface Server {
  readonly child: ChildProcess;
  readonly port: number;
}

interface Used {
  readonly cpuUs: number;
  readonly rssMb: number;
}

export async function run(): Promise<void> {
  const worker = await start('worker');
  const url = `http://127.0.0.1:${worker.port}`;
  const servers = {
    spillway: await start('spillway', url),
    'with a log line': await start('spillway', url, 'log'),
    passthrough: await start('passthrough', url),
    direct: worker,
  };
  for (const { name, requests, body } of CASES) {
    console.log(`  ${name}, ${requests} requests a round, best and median of ${ROUNDS} rounds`);
    const rounds = new Map(Object.keys(servers).map((each) => [each, [] as { cpuUs: number; p50Us: number }[]]));
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [each, server] of Object.entries(servers)) {
        const measured = await measure(server, requests, body);
        if (round > 0) rounds.get(each)?.push(measured);
      }
    }
    for (const [each, measured] of rounds) {
      const cpu = sorted(measured.map(({ cpuUs }) => cpuUs));
      const p50 = sorted(measured.map(({ p50Us }) => p50Us));
      const { rssMb } = await used((servers as Record<string, Server>)[each] as Server);
      const figures = `CPU ${shown(cpu)} us a request, p50 ${shown(p50)} us, ${rssMb.toFixed(0)} MB`;
      console.log(`    ${each.padEnd(16)} ${figures}`);
    }
  }
  for (const { child } of Object.values(servers)) child.kill();
}

function start(...args: readonly string[]): Promise<Server> {
  const child = fork(CHILD, args, { execArgv: ['--import', 'tsx'] });
  return new Promise((resolve) => child.once('message', (said) => resolve({ child, ...(said as { port: number }) })));
}

function used({ child }: Server): Promise<Used> {
  return new Promise((resolve) => {
    child.once('message', (said) => resolve(said as Used));
    child.send('?');
  });
}

async function measure(server: Server, requests: number, body: string): Promise<{ cpuUs: number; p50Us: number }> {
  const pool = new Pool(`http://127.0.0.1:${server.port}`, { connections: CONNECTIONS, pipelining: 1 });
  const took: number[] = [];
  const before = await used(server);
  let sent = 0;
  const client = async (): Promise<void> => {
    while (sent++ < requests) {
      const from = performance.now();
      const headers = { 'content-type': 'application/json' };
      const reply = await pool.request({ path: '/v1/chat/completions', method: 'POST', headers, body });
      await reply.body.dump();
      if (reply.statusCode !== 200) throw new Error(`status ${reply.statusCode}`);
      took.push((performance.now() - from) * 1000);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
  const after = await used(server);
  await pool.close();
  return { cpuUs: (after.cpuUs - before.cpuUs) / requests, p50Us: sorted(took)[took.length >> 1] as number };
}

function sorted(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

function shown(values: readonly number[]): string {
  return `${(values[0] as number).toFixed(0)}, ${(values[values.length >> 1] as number).toFixed(0)}`;
}
