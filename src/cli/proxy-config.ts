/** Reads the configuration of `spillway proxy`; every mistake names its place, value and what is allowed. */
import { dirname } from 'node:path';
import { entriesOfFile, loadUserPolicies } from '../lab/user-policies.ts';
import { readYamlConfig } from '../lab/yaml-config.ts';
import { proxyConfigSchema } from '../live/proxy/config-schema.ts';
import type { ProxyInit } from '../live/proxy/proxy.ts';
import { ConfigError, type ProxySettings, readSettings } from '../live/proxy/settings.ts';
import { UsageError } from './usage-error.ts';

export type Entries = ProxyInit['entries'];

/** Shipped entries, and those of a module of the user's own. Rejects with ScenarioError. */
export async function entriesWith(policies: string | undefined): Promise<Entries> {
  return policies === undefined ? entriesOfFile(undefined) : (await loadUserPolicies(policies)).entries;
}

/** Throws ScenarioError, UsageError. */
export function readProxyConfig(file: string, entries: Entries, isInsecure: boolean): ProxySettings {
  const { data: config, written } = readYamlConfig(file, proxyConfigSchema(entries));
  const writtenPolicies = (written as { readonly policies?: unknown }).policies;
  try {
    return readSettings({ config, writtenPolicies, folder: dirname(file), isInsecure });
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(`${file}: ${error.message}`);
    throw error;
  }
}
