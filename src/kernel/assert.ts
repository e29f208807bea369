/**
 * Assertions for bugs, always on. A failed one is Spillway's fault or a policy's, never the user's input: bad input is
 * stopped at the edge with a message of its own. The lab turns this error into exit code 3.
 */

/** An invariant does not hold. `message` says which, in domain words. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Throws `InvariantError` unless `condition` holds. Pass a plain string: building messages costs on hot paths. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
