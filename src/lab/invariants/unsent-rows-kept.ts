/**
 * No row is lost to a call that was never sent: one that waited too long for its turn, or was turned away by a rate
 * limit, says nothing against its row. This is what DataDesigner issue 725 broke and its pull 730 repaired; such
 * failures are preserved until the budget that the user set (`preserveFor`, `preserveStarts`) is spent.
 *
 * What the policy calls the failure does not count alone: a row of which no request ever failed was not lost to a
 * provider, whatever name its failure has. The gateway may hear after the row's end that a builder stopped waiting, so
 * that is judged at the end of the run.
 */
import type { TaskFailure } from '../../../policies/types.ts';
import type { Invariant, Violation } from './invariant.ts';

export const unsentRowsKept: Invariant = {
  name: 'unsent-rows-kept',
  promise: 'No row is dropped for a call that was never sent: what only waited or was rate-limited is preserved.',
  watch({ config, policies }, report) {
    const plan = config.dataset?.plan;
    if (plan === undefined) return {};
    const failed = new Set<number>();
    const suspects = new Map<number, Violation>();
    const hasGroupCalls = plan.columns.some(({ extent }) => extent === 'row-group');
    const policy = policies.salvage.name;
    return {
      record({ row, reason, cause, finishedAt }) {
        if (row < 0 || reason === 'ok' || NEVER_SENT.has(cause)) return;
        failed.add(row);
        if (finishedAt <= (suspects.get(row)?.at ?? -1)) suspects.delete(row);
      },
      rowDropped({ at, row, rule, last }) {
        if (rule !== 'after-rounds' && rule !== 'unhealable') return;
        const because = (why: string): Violation => {
          return { at, row, role: 'salvage', message: `salvage ${policy} drops row ${row} (${rule}): ${why}` };
        };
        if (last !== undefined && neverSent(last)) {
          report(because(`its last failure is ${last.cause}, status ${last.status}`));
        } else if (!hasGroupCalls && !failed.has(row)) {
          suspects.set(row, because('no call for it was ever sent and failed'));
        }
      },
      end() {
        for (const violation of suspects.values()) report(violation);
      },
    };
  },
};

const NEVER_SENT: ReadonlySet<string> = new Set(['queue-timeout', 'rate-limited']);

function neverSent({ cause, status }: TaskFailure): boolean {
  return NEVER_SENT.has(cause) || status === 429;
}
