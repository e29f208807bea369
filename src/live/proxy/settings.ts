/**
 * A checked configuration with its files read: keys, certificates, secrets. What it says of listeners is held against
 * the house rule that nothing listens beyond this machine without keys, unless it is told to.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isLoopback, shownAddress } from '../http/listen-address.ts';
import { type KeyRing, readKeyRing } from '../http/key-ring.ts';
import { readSecret, SecretError } from '../http/secrets.ts';
import type { ProxyConfig } from './config-schema.ts';

export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface ProxySettings {
  readonly config: ProxyConfig;
  /** The `policies:` block as written. */
  readonly writtenPolicies: unknown;
  /** Undefined: anyone may send requests. */
  readonly keys: KeyRing | undefined;
  /** Sent to workers. */
  readonly upstreamKey: string | undefined;
  readonly upstreamCa: Buffer | undefined;
  readonly tls: Certificate | undefined;
  readonly adminKey: string | undefined;
  /** Models by name, for labels of metrics. */
  readonly models: ReadonlySet<string>;
}

/** A configuration that contradicts itself or the machine; `message` names the key. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export interface SettingsInit {
  readonly config: ProxyConfig;
  readonly writtenPolicies: unknown;
  /** Folder that relative paths start from. */
  readonly folder: string;
  /** `--insecure`: listening elsewhere without keys is meant. */
  readonly isInsecure: boolean;
}

/** Throws ConfigError. */
export function readSettings({ config, writtenPolicies, folder, isInsecure }: SettingsInit): ProxySettings {
  const at = (file: string | undefined): string | undefined => (file === undefined ? undefined : resolve(folder, file));
  const { upstream, admin, tls, keys_file: keysFile } = config;
  const placed = withPaths(config, folder);
  try {
    const settings: ProxySettings = {
      config: placed,
      writtenPolicies,
      keys: keysFile === undefined ? undefined : readKeyRing(resolve(folder, keysFile)),
      upstreamKey: readSecret({ file: at(upstream.key_file), env: upstream.key_env }),
      upstreamCa:
        upstream.ca_file === undefined ? undefined : readPem('upstream.ca_file', resolve(folder, upstream.ca_file)),
      tls: tls && {
        cert: readPem('tls.cert_file', resolve(folder, tls.cert_file)),
        key: readPem('tls.key_file', resolve(folder, tls.key_file)),
      },
      adminKey: admin && readSecret({ file: at(admin.key_file), env: admin.key_env }),
      models: new Set(config.models),
    };
    checkExposure(settings, isInsecure);
    checkWorkers(config);
    return settings;
  } catch (error) {
    if (error instanceof SecretError) throw new ConfigError(error.message);
    throw error;
  }
}

function withPaths(config: ProxyConfig, folder: string): ProxyConfig {
  const { file } = config.discovery;
  if (file === undefined) return config;
  return { ...config, discovery: { ...config.discovery, file: { ...file, path: resolve(folder, file.path) } } };
}

function checkExposure({ config, keys, adminKey }: ProxySettings, isInsecure: boolean): void {
  const { listen, admin } = config;
  if (keys === undefined && !isInsecure && !isLoopback(listen.host)) {
    const where = shownAddress(listen);
    throw new ConfigError(
      `listen: value ${where} without keys_file; allowed a loopback address, keys_file or --insecure`,
    );
  }
  if (admin !== undefined && adminKey === undefined && !isLoopback(admin.listen.host)) {
    const where = shownAddress(admin.listen);
    throw new ConfigError(
      `admin.listen: value ${where} without a key; allowed a loopback address, key_file or key_env`,
    );
  }
}

function checkWorkers({ workers, discovery }: ProxyConfig): void {
  if (new Set(workers).size < workers.length) throw new ConfigError('workers: a URL twice; allowed once');
  if (workers.length > 0 || discovery.file !== undefined || discovery.dns !== undefined) return;
  throw new ConfigError('workers: none; allowed a list of URLs, or discovery by file or dns');
}

function readPem(what: string, file: string): Buffer {
  try {
    const bytes = readFileSync(file);
    if (bytes.includes('-----BEGIN ')) return bytes;
  } catch (error) {
    throw new ConfigError(`${what}: ${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
  throw new ConfigError(`${what}: ${file} is no PEM file`);
}
