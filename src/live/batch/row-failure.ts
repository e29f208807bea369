/** Why a row failed that no endpoint answered: its last error in words, and what went before it. */
import type { FailureLink } from '../../dataset/types.ts';
import type { RowError } from './output-line.ts';

const WORDS: Readonly<Record<string, string>> = {
  'queue-timeout': 'it waited too long to be called',
  'no-worker': 'no worker was available',
  'all-busy': 'all workers were busy',
  'rate-limited': 'too many requests',
};

/** `error`: of the last call; undefined when none came so far. */
export function rowFailure(error: RowError | undefined, reasons: readonly FailureLink[]): RowError {
  const starts = reasons.reduce((sum, { times }) => sum + times, 0);
  const tries = starts > 1 ? `, after ${starts} tries` : '';
  if (error !== undefined) return { code: error.code, message: `${error.message}${tries}` };
  const cause = reasons.at(-1)?.failure.cause ?? 'none';
  return { code: cause.replaceAll('-', '_'), message: `${WORDS[cause] ?? `it ended as ${cause}`}${tries}` };
}
