/**
 * Claims of the harnesses of policies. Plain throws instead of `expect`: ten thousand runs of a property make some
 * million claims, and these cost next to nothing while they hold.
 */
import { inspect, isDeepStrictEqual } from 'node:util';

export function claim(condition: boolean, what: string, ...facts: readonly unknown[]): void {
  if (!condition) throw new Error([what, ...facts.map(shown)].join(' '));
}

export function claimEqual(actual: unknown, expected: unknown, what: string): void {
  if (Object.is(actual, expected) || isDeepStrictEqual(actual, expected)) return;
  throw new Error(`${what}: ${shown(actual)}, expected ${shown(expected)}`);
}

/** The input is refused, and says why. */
export function claimRefused(input: () => unknown, message: string): void {
  let told = 'nothing';
  try {
    input();
  } catch (error) {
    told = String(error);
  }
  claim(told.includes(message), `an input that should be refused with '${message}' was answered:`, told);
}

function shown(fact: unknown): string {
  return inspect(fact, { breakLength: Infinity, depth: 4 });
}
