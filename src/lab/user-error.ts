/**
 * Tells the user's mistakes from ours: what an error means for the exit code and for what is printed of it.
 */
import { InvariantError } from '../kernel/assert.ts';
import { TraceError } from '../workload/trace-error.ts';
import { ScenarioError } from './scenario-error.ts';

/**
 * `input`: the message alone says it all. `invariant`: a bug of ours or of a policy. `unknown`: anything
 * else.
 */
export function errorKind(error: unknown): 'input' | 'invariant' | 'unknown' {
  if (error instanceof ScenarioError || error instanceof TraceError) return 'input';
  return error instanceof InvariantError ? 'invariant' : 'unknown';
}
