/**
 * One process of the proxy bench: `worker` answers at once, `spillway` is the proxy with its policies on, `passthrough`
 * the least that a proxy on undici can do. Speaks with the bench over node's channel: its port first, then, for each
 * question, the CPU microseconds and the memory that it has used.
 */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { policyEntries } from '../../policies/index.ts';
import { proxyConfigSchema } from '../../src/live/proxy/config-schema.ts';
import { writtenLog } from '../../src/live/proxy/log.ts';
import { Proxy } from '../../src/live/proxy/proxy.ts';
import { readSettings } from '../../src/live/proxy/settings.ts';

const [role = '', upstream = '', isLogging = ''] = process.argv.slice(2);
const MESSAGE = { role: 'assistant', content: 'w'.repeat(600) };
const REPLY = JSON.stringify({ id: 'x', choices: [{ index: 0, message: MESSAGE }] });
const EVENT = `data: ${JSON.stringify({ id: 'x', choices: [{ index: 0, delta: { content: 'word ' } }] })}\n\n`;
const EVENTS = 64;
/** Between two looks whether the worker was found healthy. */
const READY_MS = 20;
/** Between two events of a reply that is asked to be slow. */
const SLOW_MS = 100;
const POLICIES = {
  capacity: { name: 'fixed', max: 1000 },
  gates: [{ name: 'breaker' }, { name: 'busy', kvUsedRatioMax: 0.9 }, { name: 'concurrency-limit', max: 1000 }],
  retryBudget: { name: 'ratio' },
  health: { name: 'probes', interval: '1s', successThreshold: 1 },
};

function answer(request: IncomingMessage, response: ServerResponse): void {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    if (body.includes('"stream":true')) stream(response, body.includes('"slow":true'));
    else response.writeHead(200, { 'content-type': 'application/json', 'content-length': REPLY.length }).end(REPLY);
  });
}

function stream(response: ServerResponse, isSlow: boolean): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  let sent = 0;
  const next = (): void => {
    if (response.destroyed) return;
    if (sent++ === EVENTS) {
      response.end('data: [DONE]\n\n');
      return;
    }
    response.write(EVENT);
    if (isSlow) setTimeout(next, SLOW_MS);
    else setImmediate(next);
  };
  next();
}

/** Reads the body, sends it on, passes the reply with back-pressure, stops with the client. Nothing else. */
function passthrough(pool: Pool): RequestListener {
  return (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { url = '/', method } = request;
      const headers = { 'content-type': request.headers['content-type'] ?? 'application/json' };
      const options = { path: url, method: method as 'POST', headers, body: Buffer.concat(chunks) };
      pool.dispatch(options, {
        onRequestStart: (controller) => {
          response.once('close', () => {
            if (!response.writableFinished) controller.abort(new Error('left'));
          });
        },
        onResponseStart: (_, status, head) => void response.writeHead(status, head),
        onResponseData: (controller, chunk) => {
          if (response.write(chunk)) return;
          controller.pause();
          response.once('drain', () => controller.resume());
        },
        onResponseEnd: () => void response.end(),
        onResponseError: () => void response.destroy(),
      });
    });
  };
}

async function serve(): Promise<number> {
  if (role === 'spillway') {
    const log = { requests: isLogging === 'log' };
    const written = { listen: '127.0.0.1:0', workers: [upstream], policies: POLICIES, log };
    const config = proxyConfigSchema(policyEntries).parse(written);
    const settings = readSettings({ config, writtenPolicies: POLICIES, folder: '/', isInsecure: false });
    const silent = writtenLog('info', () => undefined);
    const onFatal = (error: unknown): void => console.error(error);
    const proxy = new Proxy({ settings, entries: policyEntries, log: silent, onFatal });
    await proxy.start();
    while (!proxy.host.machine.gateway.workers.some(({ status }) => status === 'ready')) {
      await new Promise((resolve) => setTimeout(resolve, READY_MS));
    }
    return Number(new URL(proxy.url).port);
  }
  const server = createServer(role === 'worker' ? answer : passthrough(new Pool(upstream, { pipelining: 1 })));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

process.send?.({ port: await serve() });
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuUs: user + system, rssMb: process.memoryUsage.rss() / 2 ** 20 });
});
