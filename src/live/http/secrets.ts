/** Secrets: read from a file or the environment, compared without telling how far they agree. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Where a secret is kept; at most one of the two. */
export interface SecretSource {
  readonly file?: string | undefined;
  readonly env?: string | undefined;
}

/** The secret cannot be had; `message` says where it was looked for and never what was found. */
export class SecretError extends Error {
  override readonly name = 'SecretError';
}

/** The secret, blanks around it removed; undefined when no source is given. Throws SecretError. */
export function readSecret({ file, env }: SecretSource): string | undefined {
  if (file !== undefined) return checked(readText(file), file);
  return env === undefined ? undefined : checked(process.env[env] ?? '', `the environment variable ${env}`);
}

/** In constant time for secrets of any length. */
export function sameSecret(given: string, secret: string): boolean {
  return timingSafeEqual(sha256(given), sha256(secret));
}

export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new SecretError(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** A header must be able to carry it. */
function checked(text: string, where: string): string {
  const secret = text.trim();
  if (/^[\x21-\x7e]+$/.test(secret)) return secret;
  throw new SecretError(`${where} holds no secret: printable characters without blanks`);
}
