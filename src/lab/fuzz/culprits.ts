/**
 * Whose fault it is, by trial: each policy of a failing scenario is replaced by the one that plays its role by default,
 * and those without which the same promise holds are the ones to look at.
 */
import type { FuzzPool } from './fuzz-pool.ts';
import { type Failure, isSameFailure } from './failure.ts';
import type { ScenarioDocument } from './scenario-arbitrary.ts';

export interface Culprit {
  /** Key of the `policies:` block. */
  readonly key: string;
  readonly name: string;
  /** The failure is gone with the default in its place. */
  readonly needed: boolean;
}

type Block = Readonly<Record<string, unknown>>;

/** One entry for each policy that the scenario names, in its order. */
export async function culpritsOf(
  pool: FuzzPool,
  document: ScenarioDocument,
  failure: Failure,
): Promise<Culprit[]> {
  const block = (document['policies'] ?? {}) as Block;
  const found: Culprit[] = [];
  for (const [key, policy] of Object.entries(block)) {
    const name = nameOf(policy);
    if (name === undefined) continue;
    const policies = Object.fromEntries(Object.entries(block).filter(([other]) => other !== key));
    const trial = await pool.trial({ ...document, policies }, failure.verdict === 'nondeterminism');
    found.push({ key, name, needed: trial !== undefined && !isSameFailure(failure, trial.failure) });
  }
  return found;
}

function nameOf(policy: unknown): string | undefined {
  if (Array.isArray(policy)) return policy.map(nameOf).join(', ');
  const { name } = (policy ?? {}) as { name?: unknown };
  return typeof name === 'string' ? name : undefined;
}
