/** A checked batch configuration with its files read: the key and certificates of its workers. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readSecret, SecretError } from '../http/secrets.ts';
import { BatchError, diskReason } from './batch-error.ts';
import type { BatchConfig } from './config-schema.ts';

export interface BatchSettings {
  readonly config: BatchConfig;
  /** Sent to workers. */
  readonly upstreamKey: string | undefined;
  readonly upstreamCa: Buffer | undefined;
}

/** `folder`: where relative paths start. Throws BatchError. */
export function readBatchSettings(config: BatchConfig, folder: string): BatchSettings {
  const { key_file: keyFile, key_env: env, ca_file: caFile } = config.upstream;
  if (new Set(config.workers).size < config.workers.length) throw new BatchError('workers: a URL twice; allowed once');
  try {
    const file = keyFile === undefined ? undefined : resolve(folder, keyFile);
    return {
      config,
      upstreamKey: readSecret({ file, env }),
      upstreamCa: caFile === undefined ? undefined : readPem(resolve(folder, caFile)),
    };
  } catch (error) {
    if (error instanceof SecretError) throw new BatchError(`upstream: ${error.message}`);
    throw error;
  }
}

function readPem(file: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new BatchError(`upstream.ca_file: ${file}: ${diskReason(error)}; allowed a PEM file`);
  }
  if (bytes.includes('-----BEGIN ')) return bytes;
  throw new BatchError(`upstream.ca_file: ${file} is no PEM file; allowed one`);
}
