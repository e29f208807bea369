/**
 * Real sockets on loopback for one test: engines, scripted workers, a proxy before them. `close` takes all of it down
 * and shows that nothing was left: no request held, no byte, no deadline, no connection.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';
import { type PolicyEntry, policyEntries } from '../../policies/index.ts';
import { LiveEngine, type LiveEngineConfig } from '../../src/live/engine/live-engine.ts';
import { proxyConfigSchema } from '../../src/live/proxy/config-schema.ts';
import { writtenLog } from '../../src/live/proxy/log.ts';
import { Proxy } from '../../src/live/proxy/proxy.ts';
import { type ProxySettings, readSettings } from '../../src/live/proxy/settings.ts';
import type { EngineConfig } from '../../src/worker/engine-config.ts';

/** A millisecond a token, so that tests are quick and streams still take time. */
const ENGINE: EngineConfig = {
  model: 'engine',
  maxRunning: 64,
  maxBatchedTokens: 2048,
  blocks: 4096,
  blockTokens: 16,
  maxModelTokens: Infinity,
  maxWaiting: Infinity,
  chunkedPrefill: true,
  prefixCache: true,
  timing: { kind: 'affine', baseUs: 1000, perTokenUs: 1, perKvTokenUs: 0 },
};

/** Retries without waits, so that tests need none. */
const QUICK_RETRY = {
  retry: { name: 'exponential', initialBackoff: '1ms', maxBackoff: '2ms', retryAfter: 'ignore' },
};

export interface ProxyOptions {
  readonly folder?: string;
  readonly journal?: string;
  readonly isInsecure?: boolean;
  /** Beside the shipped policies. */
  readonly entries?: readonly PolicyEntry[];
}

export class Stage {
  readonly #engines: LiveEngine[] = [];
  readonly #workers: Server[] = [];
  readonly #proxies: Proxy[] = [];
  readonly fatal: unknown[] = [];
  readonly logged: Record<string, unknown>[] = [];

  async engine(config: Partial<LiveEngineConfig> = {}, worker: Partial<EngineConfig> = {}): Promise<LiveEngine> {
    const engine = new LiveEngine({
      worker: { ...ENGINE, ...worker },
      model: 'test-model',
      host: '127.0.0.1',
      port: 0,
      speed: 1,
      outputTokens: 8,
      seed: 1,
      key: undefined,
      ...config,
    });
    await engine.listen();
    this.#engines.push(engine);
    return engine;
  }

  /** A worker that does what the test says. Answers its URL. */
  async worker(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
    const server = createServer(handle);
    this.#workers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async proxy(workers: readonly string[], config: object = {}, options: ProxyOptions = {}): Promise<Proxy> {
    const proxy = new Proxy({
      settings: settingsOf({ workers, ...config }, options),
      entries: [...policyEntries, ...(options.entries ?? [])],
      log: writtenLog('debug', (line) => this.logged.push(JSON.parse(line) as Record<string, unknown>)),
      journal: options.journal,
      seed: 'test',
      onFatal: (error) => this.fatal.push(error),
    });
    this.#proxies.push(proxy);
    await proxy.start();
    return proxy;
  }

  async close(): Promise<void> {
    for (const proxy of this.#proxies) {
      await proxy.close();
      const held = proxy.held();
      expect(held).toEqual(Object.fromEntries(Object.keys(held).map((name) => [name, 0])));
      expect(proxy.host.agenda.size).toBe(0);
      expect(proxy.upstreams.size).toBe(0);
      proxy.host.machine.gateway.checkInvariants();
    }
    await Promise.all(this.#engines.map((engine) => engine.close()));
    await Promise.all(this.#workers.map(closed));
    expect(this.fatal).toEqual([]);
  }
}

/** A configuration as it would be written, checked and read. */
export function settingsOf(written: object, options: ProxyOptions = {}): ProxySettings {
  const { folder = '/', isInsecure = false, entries = [] } = options;
  const policies = { ...QUICK_RETRY, ...('policies' in written ? (written.policies as object) : {}) };
  const schema = proxyConfigSchema([...policyEntries, ...entries]);
  const config = schema.parse({ listen: '127.0.0.1:0', ...written, policies });
  return readSettings({ config, writtenPolicies: policies, folder, isInsecure });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** Resolves once `condition` holds; looked at on every turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
