/**
 * Tells the user's mistakes from ours: what an error means for the exit code and for what is printed of it.
 */
import { InvariantError } from '../kernel/assert.ts';
import { TraceError } from '../workload/trace-error.ts';
import { PolicyFault } from './guarded-policy.ts';
import { ScenarioError } from './scenario-error.ts';

/**
 * `input`: the message alone says it all. `policy`: so it does, and the fault is of a policy of the user's own.
 * `invariant`: a bug of ours. `unknown`: anything else.
 */
export function errorKind(error: unknown): 'input' | 'policy' | 'invariant' | 'unknown' {
  if (error instanceof ScenarioError || error instanceof TraceError) return 'input';
  if (error instanceof PolicyFault) return 'policy';
  return error instanceof InvariantError ? 'invariant' : 'unknown';
}
