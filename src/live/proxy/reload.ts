/** What a new configuration changes in a proxy that runs, and what it cannot change. */
import { isDeepStrictEqual } from 'node:util';
import type { ProxySettings } from './settings.ts';

export interface Changes {
  /** In force from now on: the new ones, but for what needs a restart. */
  readonly settings: ProxySettings;
  readonly policies: boolean;
  readonly health: boolean;
  readonly upstream: boolean;
  readonly load: boolean;
  readonly tls: boolean;
  /** Keys of the configuration that hold only after a restart. */
  readonly restart: readonly string[];
}

export function changesOf(old: ProxySettings, next: ProxySettings): Changes {
  const before = old.config;
  const after = next.config;
  const differ = (a: unknown, b: unknown): boolean => !isDeepStrictEqual(a, b);
  const restart: string[] = [];
  if (differ(before.listen, after.listen)) restart.push('listen');
  if (differ(before.admin?.listen, after.admin?.listen)) restart.push('admin.listen');
  if ((old.tls === undefined) !== (next.tls === undefined)) restart.push('tls');
  if (before.limits.headers !== after.limits.headers) restart.push('limits.headers');
  return {
    settings: { ...next, config: { ...after, listen: before.listen, admin: before.admin }, adminKey: next.adminKey },
    policies: differ(before.policies, after.policies) || before.retry_sent !== after.retry_sent,
    health: differ(before.policies.health, after.policies.health),
    upstream: differ(before.upstream, after.upstream) || differ(old.upstreamCa, next.upstreamCa),
    load: differ(before.load, after.load),
    tls: differ(old.tls, next.tls),
    restart,
  };
}
