/**
 * Whose fault it is, by trial: each policy of a failing scenario is replaced by the one that plays its role by default.
 * Those without which the same promise holds are the ones to look at; the others are left out of the scenario, as long
 * as it still fails alike.
 */
import type { Trial } from './bench.ts';
import { type FuzzPool, STALLED_AGAIN_S } from './fuzz-pool.ts';
import { type Failure, isSameFailure } from './failure.ts';
import type { ScenarioDocument } from './scenario-arbitrary.ts';

export interface Culprit {
  /** Key of the `policies:` block. */
  readonly key: string;
  readonly name: string;
}

export interface Accused {
  /** The scenario without the policies that it fails without. */
  readonly document: ScenarioDocument;
  readonly trial: Trial;
  /** The failure is gone with the default in the place of any of these. */
  readonly culprits: readonly Culprit[];
}

type Block = Readonly<Record<string, unknown>>;

/** Answers the scenario and trial that it is given when there is nothing to leave out. */
export async function culpritsOf(
  pool: FuzzPool,
  given: { readonly document: ScenarioDocument; readonly trial: Trial },
  failure: Failure,
): Promise<Accused> {
  let { document, trial } = given;
  const culprits: Culprit[] = [];
  const stalledS = failure.verdict === 'hang' ? STALLED_AGAIN_S : undefined;
  for (const [key, policy] of Object.entries((document['policies'] ?? {}) as Block)) {
    const less = without(document, key);
    const tried = await pool.trial(less, failure.verdict === 'nondeterminism', stalledS);
    if (tried !== undefined && isSameFailure(failure, tried.failure)) [document, trial] = [less, tried];
    else if (nameOf(policy) !== undefined) culprits.push({ key, name: nameOf(policy) as string });
  }
  return { document, trial, culprits };
}

function without({ policies, ...rest }: ScenarioDocument, key: string): ScenarioDocument {
  const kept = Object.entries(policies as Block).filter(([other]) => other !== key);
  return kept.length === 0 ? rest : { ...rest, policies: Object.fromEntries(kept) };
}

function nameOf(policy: unknown): string | undefined {
  if (Array.isArray(policy)) return policy.map(nameOf).join(', ');
  const { name } = (policy ?? {}) as { name?: unknown };
  return typeof name === 'string' ? name : undefined;
}
