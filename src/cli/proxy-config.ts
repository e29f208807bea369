/** Reads the configuration of `spillway proxy`; every mistake names its place, value and what is allowed. */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { reasonOf, ScenarioError } from '../lab/scenario-error.ts';
import { parseWith } from '../lab/schema-issues.ts';
import { entriesOfFile, loadUserPolicies } from '../lab/user-policies.ts';
import { decodeUtf8, YamlSource } from '../lab/yaml-source.ts';
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
  const yaml = new YamlSource(decodeUtf8(bytesOf(file), file), file);
  const written = yaml.value ?? {};
  const parsed = parseWith(proxyConfigSchema(entries), written);
  if ('issues' in parsed) {
    const lines = parsed.issues.map(({ path, text }) => `${yaml.locate(path)} ${text.replace(/^scenario:/, 'file:')}`);
    throw new ScenarioError(lines);
  }
  const writtenPolicies = (written as { readonly policies?: unknown }).policies;
  try {
    return readSettings({ config: parsed.data, writtenPolicies, folder: dirname(file), isInsecure });
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(`${file}: ${error.message}`);
    throw error;
  }
}

function bytesOf(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new UsageError(`--config: ${file}: ${reasonOf(error)}; allowed a file that can be read`);
  }
}
