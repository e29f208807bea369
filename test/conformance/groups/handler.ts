/** What the handlers of the groups share. */
import type { PolicyEntry, PolicyRole } from '../../../policies/entry.ts';

/** Makes the output of one vector from its input, out of production code. */
export type Handler = (input: never) => unknown;
export type Handlers = Readonly<Record<string, Handler>>;

/** A policy's configuration in the variant that the vectors bind. */
export function historic<Config extends { name: string }>(entry: PolicyEntry<PolicyRole, Config>): Config {
  return entry.config.parse({ name: entry.name, ...entry.variants['smg-2026-08-07'] });
}
