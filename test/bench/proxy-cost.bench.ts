/**
 * What the proxy costs with its policies on: CPU of its process for one request, beside the least that a proxy on
 * undici can do and beside HAProxy, in turns within one run; what it adds to the median latency at 8 connections that
 * do not saturate it; its memory with 512 streams open. Each server is a process of its own, and warm before it counts.
 */
import { Pool } from 'undici';
import { bundledServers, haproxy, type Server } from './proxy-servers.ts';

const CONNECTIONS = 8;
const ROUNDS = 11;
/** Between a reply and the next request of its connection, where latency is measured. */
const THINK_MS = 20;
const PACED_REQUESTS = 400;
const PACED_ROUNDS = 7;
const STREAMS = 512;
/** Of a server's name in a table. */
const WIDTH = 26;
const MESSAGES = [{ role: 'user', content: 'a prompt of some length '.repeat(40) }];
const JSON_BODY = JSON.stringify({ model: 'm', messages: MESSAGES, max_tokens: 64 });
const CASES = [
  { name: 'JSON', requests: 4000, warmUp: 12_000, body: JSON_BODY },
  {
    name: '64 events',
    requests: 1000,
    warmUp: 2000,
    body: JSON.stringify({ model: 'm', stream: true, messages: MESSAGES }),
  },
];
const SLOW_STREAM = JSON.stringify({ model: 'm', stream: true, slow: true, messages: MESSAGES });
const HEADERS = { 'content-type': 'application/json' };

type Servers = ReadonlyMap<string, Server>;

export async function run(): Promise<void> {
  const start = await bundledServers();
  const worker = await start('worker');
  const url = `http://127.0.0.1:${worker.port}`;
  const balancer = await haproxy(worker.port);
  if (balancer === undefined) console.log('  haproxy: absent on this machine');
  const servers = new Map<string, Server>([
    ['spillway', await start('spillway', url)],
    ['with a log line', await start('spillway', url, 'log')],
    ['passthrough', await start('passthrough', url)],
  ]);
  if (balancer !== undefined) servers.set(`haproxy ${balancer.version}`, balancer);
  await cpuTables(servers);
  await latencies(new Map([...servers, ['direct', worker]]));
  await memories(servers);
  for (const server of [...servers.values(), worker]) server.stop();
}

/** Servers take turns within a round, so that what else the machine does meets all of them. */
async function cpuTables(servers: Servers): Promise<void> {
  for (const { name, requests, warmUp, body } of CASES) {
    for (const server of servers.values()) await ask(server, warmUp, body, 0);
    const rounds = await inTurns(servers, ROUNDS, async (server) => {
      const before = await server.used();
      await ask(server, requests, body, 0);
      const after = await server.used();
      return (after.cpuUs - before.cpuUs) / requests;
    });
    console.log(
      `  ${name}: CPU us a request, best and median of ${ROUNDS} rounds of ${requests}; median ratio of a round`,
    );
    const least = rounds.get('passthrough') ?? [];
    for (const [each, measured] of rounds) {
      const cpu = sorted(measured);
      const ratio = middle(sorted(measured.map((us, round) => us / (least[round] as number))));
      console.log(
        `    ${each.padEnd(WIDTH)} ${cpu[0].toFixed(0)}, ${middle(cpu).toFixed(0)}: ${ratio.toFixed(2)} x passthrough`,
      );
    }
  }
}

/** Differences of medians within a round: over no proxy at all, and over the least that one can do. */
async function latencies(servers: Servers): Promise<void> {
  const pace = `one request every ${THINK_MS} ms each`;
  console.log(`  p50 of JSON at ${CONNECTIONS} connections, ${pace}; median of ${PACED_ROUNDS} rounds`);
  const p50s = await inTurns(servers, PACED_ROUNDS, async (server) => {
    return middle(sorted(await ask(server, PACED_REQUESTS, JSON_BODY, THINK_MS))) / 1000;
  });
  for (const [each, measured] of p50s) {
    const over = (other: string): string => {
      const ms = middle(sorted(measured.map((p50, round) => p50 - (p50s.get(other)?.[round] as number))));
      return `${ms.toFixed(2)} ms over ${other}`;
    };
    const p50 = middle(sorted(measured)).toFixed(2);
    console.log(`    ${each.padEnd(WIDTH)} ${p50} ms: ${over('direct')}, ${over('passthrough')}`);
  }
}

/** What `measure` says of each server, by round. */
async function inTurns(
  servers: Servers,
  rounds: number,
  measure: (server: Server) => Promise<number>,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const measured = new Map([...servers.keys()].map((each) => [each, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const [each, server] of servers) measured.get(each)?.push(await measure(server));
  }
  return measured;
}

async function memories(servers: Servers): Promise<void> {
  console.log(`  RSS with ${STREAMS} streams open`);
  for (const [each, server] of servers) {
    const pool = poolOf(server, STREAMS);
    const replies = await Promise.all(Array.from({ length: STREAMS }, () => pool.request({ ...request(SLOW_STREAM) })));
    const { rssMb } = await server.used();
    console.log(`    ${each.padEnd(WIDTH)} ${rssMb.toFixed(0)} MB`);
    await Promise.all(replies.map(({ body }) => body.dump()));
    await pool.close();
  }
}

/** Microseconds that each reply took. */
async function ask(server: Server, requests: number, body: string, thinkMs: number): Promise<number[]> {
  const pool = poolOf(server, CONNECTIONS);
  const took: number[] = [];
  let sent = 0;
  const client = async (): Promise<void> => {
    while (sent++ < requests) {
      const from = performance.now();
      const reply = await pool.request(request(body));
      await reply.body.dump();
      if (reply.statusCode !== 200) throw new Error(`status ${reply.statusCode}`);
      took.push((performance.now() - from) * 1000);
      if (thinkMs > 0) await new Promise((resolve) => setTimeout(resolve, thinkMs));
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
  await pool.close();
  return took;
}

function request(body: string) {
  return { path: '/v1/chat/completions', method: 'POST', headers: HEADERS, body } as const;
}

function poolOf({ port }: Server, connections: number): Pool {
  return new Pool(`http://127.0.0.1:${port}`, { connections, pipelining: 1 });
}

/** At least one value. */
function sorted(values: readonly number[]): [number, ...number[]] {
  return [...values].sort((a, b) => a - b) as [number, ...number[]];
}

function middle(values: readonly number[]): number {
  return values[values.length >> 1] as number;
}
