/**
 * A listening server with its bounds: what is malformed, too large or too slow to be a request is answered and cut off
 * here, and neither tunnels nor protocol switches come about.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ApiError, badRequest, rawErrorResponse } from './api-error.ts';
import type { ListenAddress } from './listen-address.ts';

export interface ListenerBounds {
  readonly headerBytes: number;
  readonly headerCount: number;
  readonly connections: number;
  /** Milliseconds. */
  readonly headersMs: number;
  readonly requestMs: number;
  readonly keepAliveMs: number;
}

export interface ListenerTls {
  readonly cert: Buffer;
  readonly key: Buffer;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export class Listener {
  readonly #server: Server | SecureServer;
  readonly #isSecure: boolean;
  #connections = 0;

  constructor(handle: Handler, bounds: ListenerBounds, tls: ListenerTls | undefined) {
    const options = {
      maxHeaderSize: bounds.headerBytes,
      // How often slow senders are looked for.
      connectionsCheckingInterval: Math.min(Math.max(50, Math.floor(bounds.headersMs / 2)), 1000),
      keepAlive: true,
    };
    this.#isSecure = tls !== undefined;
    this.#server =
      tls === undefined ? createServer(options, handle) : createSecureServer({ ...options, ...tls }, handle);
    this.bound(bounds);
    // What is to be said to a client that asks whether to send its body is the handler's to decide.
    this.#server.on('checkContinue', handle);
    this.#server.on('clientError', onClientError);
    this.#server.on('upgrade', (_, socket: Duplex) => refuse(socket, UPGRADE));
    this.#server.on('connect', (_, socket: Duplex) => refuse(socket, TUNNEL));
    this.#server.on('connection', (socket: Socket) => {
      this.#connections++;
      socket.once('close', () => this.#connections--);
    });
  }

  /** All bounds but that of header bytes hold from now on. */
  bound(bounds: ListenerBounds): void {
    this.#server.headersTimeout = bounds.headersMs;
    this.#server.requestTimeout = Math.max(bounds.requestMs, bounds.headersMs);
    this.#server.keepAliveTimeout = bounds.keepAliveMs;
    this.#server.maxConnections = bounds.connections;
    // Node drops what is beyond it silently: one more than allowed lets the handler see that there are too many.
    this.#server.maxHeadersCount = bounds.headerCount + 1;
  }

  renew(tls: ListenerTls): void {
    (this.#server as SecureServer).setSecureContext(tls);
  }

  get connections(): number {
    return this.#connections;
  }

  get scheme(): 'http' | 'https' {
    return this.#isSecure ? 'https' : 'http';
  }

  /** Resolves with the port once it listens. Rejects when it cannot. */
  listen({ host, port }: ListenAddress): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Takes no new connections and drops idle ones. */
  stopListening(): void {
    if (this.#server.listening) this.#server.close();
  }

  dropIdle(): void {
    this.#server.closeIdleConnections();
  }

  /** Resolves when no connection is left. */
  async destroy(): Promise<void> {
    this.stopListening();
    this.#server.closeAllConnections();
    if (this.#connections === 0) return;
    await new Promise<void>((resolve) => {
      const wait = (): void => {
        if (this.#connections === 0) resolve();
        else setImmediate(wait);
      };
      wait();
    });
  }
}

const UPGRADE = badRequest('upgrade_refused', 'Other protocols are not served here.', 501);
const TUNNEL = badRequest('tunnel_refused', 'This is no forward proxy.', 501);
const TOO_LARGE = badRequest('headers_too_large', 'The headers are too large.', 431);
const TOO_SLOW = badRequest('request_timeout', 'The request came too slowly.', 408);
const MALFORMED = badRequest('malformed_request', 'This is no HTTP/1.1 request.');

function onClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
  else if (error.code === 'HPE_HEADER_OVERFLOW') refuse(socket, TOO_LARGE);
  else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') refuse(socket, TOO_SLOW);
  else refuse(socket, MALFORMED);
}

function refuse(socket: Duplex, error: ApiError): void {
  socket.on('error', () => undefined);
  socket.end(rawErrorResponse(error), () => socket.destroy());
}
