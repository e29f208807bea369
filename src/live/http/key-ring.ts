/**
 * The keys of a gateway's clients: who they are and what their requests may ask for. A file holds hashes only; a key is
 * looked up by its SHA-256, so that no comparison tells how much of it was right.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { SecretError, sha256 } from './secrets.ts';

const keySchema = z.strictObject({
  tenant: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, { error: 'letters, digits, dots, _ and -, up to 64' }),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, { error: 'the SHA-256 of the key, 64 lower-case hexadecimal digits' }),
  priority: z.int().min(-1000).max(1000).default(0),
  max_priority: z.int().min(-1000).max(1000).optional(),
  allow: z.array(z.enum(['priority', 'worker'])).default([]),
});
const fileSchema = z.strictObject({ keys: z.array(keySchema).min(1) });

/** Whose request it is, and what it may ask for. */
export interface Client {
  readonly tenant: string;
  /** Of a request that asks for none. */
  readonly priority: number;
  /** The most a request may ask for; undefined: it may not ask. */
  readonly priorityMax: number | undefined;
  /** It may name its worker. */
  readonly mayPin: boolean;
}

/** Everyone, where no keys are asked for. */
export const ANYONE: Client = { tenant: 'anyone', priority: 0, priorityMax: undefined, mayPin: false };

export class KeyRing {
  readonly #clients: ReadonlyMap<string, Client>;

  constructor(clients: ReadonlyMap<string, Client>) {
    this.#clients = clients;
  }

  /** The client of an `Authorization` header; undefined when it holds no key of the ring. */
  find(authorization: string | undefined): Client | undefined {
    const key = /^Bearer ([\x21-\x7e]{1,1024})$/i.exec(authorization ?? '')?.[1];
    return key === undefined ? undefined : this.#clients.get(sha256(key).toString('hex'));
  }

  get size(): number {
    return this.#clients.size;
  }
}

/** Reads a keys file. Throws SecretError. */
export function readKeyRing(file: string): KeyRing {
  let written: unknown;
  try {
    written = parse(readFileSync(file, 'utf8'), { maxAliasCount: 0 });
  } catch (error) {
    throw new SecretError(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'it is no YAML'}`);
  }
  const parsed = fileSchema.safeParse(written);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new SecretError(`${file}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'no keys'}`);
  }
  const clients = new Map<string, Client>();
  for (const { tenant, sha256: hash, priority, max_priority: max, allow } of parsed.data.keys) {
    if (clients.has(hash)) throw new SecretError(`${file}: one key twice, the second time for ${tenant}`);
    const priorityMax = allow.includes('priority') ? (max ?? priority) : undefined;
    clients.set(hash, { tenant, priority, priorityMax, mayPin: allow.includes('worker') });
  }
  return new KeyRing(clients);
}
