/**
 * Who may switch faults: a peer on loopback that no page in a browser sent, or one with the key.
 */
import type { IncomingMessage } from 'node:http';
import { isLoopback } from '../http/listen-address.ts';
import { sameSecret } from '../http/secrets.ts';

/** `key` undefined: loopback only. */
export function mayChangeFaults(request: IncomingMessage, key: string | undefined): boolean {
  const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (key !== undefined && given !== undefined) return sameSecret(given, key);
  const isLocal = isLoopback(request.socket.remoteAddress ?? '');
  return isLocal && request.headers.origin === undefined;
}
