/**
 * Connections to workers: one pool of kept connections each, as many as the core has attempts there. Time limits of
 * attempts are the core's; a pool bounds the making of connections only.
 */
import { Pool } from 'undici';
import type { ProxyConfig } from './config-schema.ts';

const US_PER_MS = 1000;
const HEADER_BYTES_MAX = 64 << 10;

/** How workers are connected to. */
export interface UpstreamSettings {
  readonly config: Pick<ProxyConfig, 'upstream'>;
  readonly upstreamCa: Buffer | undefined;
}

export class Upstreams {
  readonly #pools = new Map<number, Pool>();
  readonly #closing = new Set<Promise<void>>();

  /** The pool of a worker, made when there is none. */
  open(worker: number, url: string, { config, upstreamCa }: UpstreamSettings): void {
    if (this.#pools.has(worker)) return;
    const { connect_timeout: connectUs, keep_alive: keepUs, server_name: servername } = config.upstream;
    const pool = new Pool(url, {
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: HEADER_BYTES_MAX,
      keepAliveTimeout: Math.max(1, Math.round(keepUs / US_PER_MS)),
      connectTimeout: Math.max(1, Math.round(connectUs / US_PER_MS)),
      connect: { ...(upstreamCa && { ca: upstreamCa }), ...(servername && { servername }) },
    });
    this.#pools.set(worker, pool);
  }

  get(worker: number): Pool | undefined {
    return this.#pools.get(worker);
  }

  /** What runs there goes on to its end. */
  close(worker: number): void {
    const pool = this.#pools.get(worker);
    if (pool === undefined) return;
    this.#pools.delete(worker);
    const closing = pool.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  /** Closes every pool, cutting what runs there. Resolves when no connection is left. */
  async destroy(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
    await Promise.all(this.#closing);
  }

  get size(): number {
    return this.#pools.size;
  }
}
