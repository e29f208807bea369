/**
 * Where an engine listens. It may go down, with every connection, and come back on the same port; whoever took the
 * port meanwhile keeps it, and the engine stays down.
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export class EngineSocket {
  readonly #host: string;
  readonly #handle: RequestListener;
  #port: number;
  #server: Server;
  /** Nobody wants it down. */
  #isUp = true;
  #isClosed = false;
  /** Settled once the last attempt to listen is. */
  #starting: Promise<unknown> = Promise.resolve();
  /** Settled once all servers of the past are gone. */
  #past: Promise<void> = Promise.resolve();

  /** `port` 0: any free one, the same ever after. */
  constructor(host: string, port: number, handle: RequestListener) {
    this.#host = host;
    this.#port = port;
    this.#handle = handle;
    this.#server = createServer(handle);
  }

  /** Resolves with the port once it listens. Rejects when it cannot. */
  listen(): Promise<number> {
    const server = this.#server;
    const starting = new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, this.#host, () => {
        server.off('error', reject);
        this.#port = (server.address() as AddressInfo).port;
        resolve(this.#port);
      });
    });
    this.#starting = starting.then(ignore, ignore);
    return starting;
  }

  /** Where it listens, or listened last. */
  get url(): string {
    return `http://${this.#host.includes(':') ? `[${this.#host}]` : this.#host}:${this.#port}`;
  }

  goDown(): void {
    this.#isUp = false;
    const shutting = this.#shut();
    this.#past = this.#past.then(() => shutting);
    this.#server = createServer(this.#handle);
  }

  async comeBack(): Promise<void> {
    this.#isUp = true;
    await this.#past;
    // It may have gone down again since, or be back.
    if (this.#isUp && !this.#isClosed && !this.#server.listening) await this.listen().catch(ignore);
  }

  /** Resolves when no socket is left. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#past;
    await this.#shut();
  }

  /** The listener goes first, then every connection. */
  async #shut(): Promise<void> {
    const server = this.#server;
    server.closeAllConnections();
    // One that is about to listen would do so after it was closed.
    await this.#starting;
    if (!server.listening) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }
}

function ignore(): void {
  // Whether it listens shows in the server itself.
}
