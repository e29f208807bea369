/**
 * One process of the proxy bench: `worker` answers at once, `spillway` is the proxy with its default policies, a
 * breaker and metrics, `passthrough` the least that a proxy on undici can do. Speaks with the bench over node's channel:
 * its port first, then, for each question, the CPU microseconds and the memory that it has used.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { policyEntries } from '../../policies/index.ts';
import { proxyConfigSchema } from '../../src/live/proxy/config-schema.ts';
import { writtenLog } from '../../src/live/proxy/log.ts';
import { Proxy } from '../../src/live/proxy/proxy.ts';
import { readSettings } from '../../src/live/proxy/settings.ts';

const [role = '', upstream = '', isLogging = ''] = process.argv.slice(2);
const REPLY = JSON.stringify({ id: 'x', choices: [{ index: 0, message: { role: 'assistant', content: 'w'.repeat(600) } }] });
const EVENT = `data: ${JSON.stringify({ id: 'x', choices: [{ index: 0, delta: { content: 'word ' } }] })}\n\n`;
const EVENTS = 64;

function answer(request: IncomingMessage, response: ServerResponse): void {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    if (!body.includes('"stream":true')) {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': REPLY.length }).end(REPLY);
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    let sent = 0;
    const next = (): void => {
      if (sent++ < EVENTS) {
        response.write(EVENT);
        setImmediate(next);
      } else response.end('data: [DONE]\n\n');
    };
    next();
  });
}

/** Reads the body, sends it on, passes the reply with back-pressure, stops with the client. Nothing else. */
function passthrough(pool: Pool): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { url = '/', method } = request;
      const headers = { 'content-type': request.headers['content-type'] ?? 'application/json' };
      pool.dispatch({ path: url, method: method as 'POST', headers, body: Buffer.concat(chunks) }, {
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
    const written = { gates: [{ name: 'breaker' }] };
    const config = proxyConfigSchema(policyEntries).parse({
      ...{ listen: '127.0.0.1:0', workers: [upstream], policies: written, log: { requests: isLogging === 'log' } },
    });
    const settings = readSettings({ config, writtenPolicies: written, folder: '/', isInsecure: false });
    const log = writtenLog('info', () => undefined);
    const proxy = new Proxy({ settings, entries: policyEntries, log, onFatal: (error) => console.error(error) });
    await proxy.start();
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
