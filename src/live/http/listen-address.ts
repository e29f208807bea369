/** Where a listener listens: `HOST:PORT`, and whether that is this machine only. */
import { isIP } from 'node:net';

export interface ListenAddress {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

const FORM = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/;

/** Undefined when the text is no `HOST:PORT`, `[IPV6]:PORT`. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const match = FORM.exec(text);
  if (match === null) return undefined;
  const host = match[1] ?? match[2] ?? '';
  const port = Number(match[3]);
  return port > 65535 || (match[1] !== undefined && isIP(host) !== 6) ? undefined : { host, port };
}

export function shownAddress({ host, port }: ListenAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** An address or name of the machine itself. A name that resolves elsewhere is not asked about. */
export function isLoopback(host: string): boolean {
  const plain = host.replace(/^::ffff:/i, '');
  return plain === 'localhost' || plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
}
