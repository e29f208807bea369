/**
 * Lets an override reach into a policy that the scenario leaves to its default: `policies.queue.size=0` then
 * means the default queue with another size. Without its name the schema could not tell whose field that is.
 */
import { policyEntries } from '../../policies/index.ts';
import { policiesSchema } from '../../policies/schema.ts';
import type { PathSegment } from './yaml-source.ts';

/**
 * `input` with the default policy's name written in, when `path` reaches into a role that `input` does not
 * mention.
 */
export function withPolicyName(input: unknown, path: readonly PathSegment[]): unknown {
  const [block, role, field] = path;
  if (block !== 'policies' || typeof role !== 'string') return input;
  if (field === undefined || field === 'name') return input;
  const defaults: Readonly<Record<string, unknown>> = { ...policiesSchema(policyEntries).parse({}) };
  const name = (defaults[role] as { name?: string } | undefined)?.name;
  const policies = memberOf(input, 'policies');
  if (name === undefined || memberOf(policies, role) !== undefined) return input;
  return { ...(input as object), policies: { ...(policies as object | undefined), [role]: { name } } };
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}
