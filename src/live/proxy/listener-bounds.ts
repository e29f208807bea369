/** The bounds of the proxy's listeners, from its configuration. */
import type { ListenerBounds } from '../http/listener.ts';
import type { ProxyConfig } from './config-schema.ts';

const US_PER_MS = 1000;

export function listenerBounds({ limits, timeouts }: ProxyConfig): ListenerBounds {
  return {
    headerBytes: limits.headers,
    headerCount: limits.header_count,
    connections: limits.connections,
    headersMs: Math.ceil(timeouts.headers / US_PER_MS),
    requestMs: Math.ceil(timeouts.request / US_PER_MS),
    keepAliveMs: Math.ceil(timeouts.keep_alive / US_PER_MS),
  };
}
