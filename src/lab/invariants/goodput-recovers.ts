/**
 * Liveness: once the trouble is over, goodput comes back. Judged where the scenario has a `recovery:` block, by
 * `../recovery.ts`; a run that does not come back is metastable.
 */
import type { Invariant } from './invariant.ts';

export const goodputRecovers: Invariant = {
  name: 'goodput-recovers',
  promise: 'After the last fault, under a load that was carried before, goodput returns within the declared time.',
  verdict: 'metastable',
  watch({ recovery: plan }, report) {
    return {
      end({ recovery }) {
        if (plan === undefined || recovery?.verdict !== 'metastable') return;
        const { clearedAt, recoveredUs, levelBefore, levelAfter, amplificationAfter } = recovery;
        const when = recoveredUs === Infinity ? 'not by the end' : `only after ${(recoveredUs / 1e6).toFixed(1)} s`;
        const levels = `good were ${percent(levelBefore)} before and ${percent(levelAfter)} after`;
        const allowed = `within ${plan.withinUs / 1e6} s of the end of the trouble at ${clearedAt / 1e6} s`;
        const attempts = `${amplificationAfter.toFixed(2)} attempts per request`;
        const message = `goodput is not back ${allowed}: ${when}; ${levels}, with ${attempts}`;
        report({ at: clearedAt + plan.withinUs, message });
      },
    };
  },
};

function percent(level: number): string {
  return `${(level * 100).toFixed(1)} %`;
}
