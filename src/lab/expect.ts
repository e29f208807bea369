/**
 * Holds expectations against results, variant by variant. An expectation of a variant that was not run is
 * left out: it is neither met nor failed. A path that is not in a result fails its expectation and says what
 * is near.
 */
import { UnknownFieldError, valueAt } from '../results/compare-values.ts';
import type { LeafValue } from '../results/compare-values.ts';
import type { RunResult } from '../results/result.ts';
import type { Expectation } from './expect-schema.ts';

export interface ExpectationOutcome {
  readonly variant: string;
  readonly path: string;
  readonly ok: boolean;
  /** One line: what is, what was expected, and on failure why it was. */
  readonly text: string;
}

/** One outcome for each expectation whose variant is in `results`, in order. */
export function checkExpectations(
  expectations: readonly Expectation[],
  results: ReadonlyMap<string, RunResult>,
): ExpectationOutcome[] {
  return expectations.flatMap((expectation) => {
    const result = results.get(expectation.variant);
    return result === undefined ? [] : [checkOne(expectation, result)];
  });
}

function checkOne(expectation: Expectation, result: RunResult): ExpectationOutcome {
  const { variant, path, because } = expectation;
  const demand = demandOf(expectation);
  const outcome = (ok: boolean, found: string): ExpectationOutcome => {
    const reason = ok || because === undefined ? '' : ` (${because})`;
    return { variant, path, ok, text: `${variant}: ${found}, expected ${demand.text}${reason}` };
  };
  try {
    const value = valueAt(result, path);
    return outcome(demand.holds(value), `${path} is ${JSON.stringify(value)}`);
  } catch (error) {
    if (error instanceof UnknownFieldError) return outcome(false, error.message);
    throw error;
  }
}

interface Demand {
  readonly text: string;
  holds(value: LeafValue): boolean;
}

/** Null and text meet no numeric demand. */
function demandOf(expectation: Expectation): Demand {
  const { equals, above, below, atLeast, atMost, between } = expectation;
  if (equals !== undefined) return { text: JSON.stringify(equals), holds: (value) => value === equals };
  if (above !== undefined) return numeric(`above ${above}`, (value) => value > above);
  if (below !== undefined) return numeric(`below ${below}`, (value) => value < below);
  if (atLeast !== undefined) return numeric(`at least ${atLeast}`, (value) => value >= atLeast);
  if (atMost !== undefined) return numeric(`at most ${atMost}`, (value) => value <= atMost);
  if (between !== undefined) {
    const [low, high] = between;
    return numeric(`${low} to ${high}`, (value) => value >= low && value <= high);
  }
  return { text: 'nothing', holds: () => false };
}

function numeric(text: string, holds: (value: number) => boolean): Demand {
  return { text, holds: (value) => typeof value === 'number' && holds(value) };
}
