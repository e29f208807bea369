/**
 * No row is lost to a call that was never sent: one that waited too long for its turn, or was turned away by a rate
 * limit, says nothing against its row. This is what DataDesigner issue 725 broke and its pull 730 repaired; such
 * failures are preserved until the budget that the user set (`preserveFor`, `preserveStarts`) is spent.
 *
 * What the policy calls the failure does not count alone: a row of which no request ever failed was not lost to a
 * provider, whatever name its failure has.
 */
import type { TaskFailure } from '../../../policies/types.ts';
import type { Invariant } from './invariant.ts';

export const unsentRowsKept: Invariant = {
  name: 'unsent-rows-kept',
  promise: 'No row is dropped for a call that was never sent: what only waited or was rate-limited is preserved.',
  watch({ config, policies }, report) {
    const plan = config.dataset?.plan;
    if (plan === undefined) return {};
    const failed = new Set<number>();
    const hasGroupCalls = plan.columns.some(({ extent }) => extent === 'row-group');
    const policy = policies.salvage.name;
    return {
      record({ row, reason, cause }) {
        if (row >= 0 && reason !== 'ok' && !NEVER_SENT.has(cause)) failed.add(row);
      },
      rowDropped({ at, row, rule, last }) {
        if (rule !== 'after-rounds' && rule !== 'unhealable') return;
        const tell = (why: string): void => {
          report({ at, row, role: 'salvage', message: `salvage ${policy} drops row ${row} (${rule}): ${why}` });
        };
        if (last !== undefined && neverSent(last)) tell(`its last failure is ${last.cause}, status ${last.status}`);
        else if (!hasGroupCalls && !failed.has(row)) tell('no call for it was ever sent and failed');
      },
    };
  },
};

const NEVER_SENT: ReadonlySet<string> = new Set(['queue-timeout', 'rate-limited']);

function neverSent({ cause, status }: TaskFailure): boolean {
  return NEVER_SENT.has(cause) || status === 429;
}
