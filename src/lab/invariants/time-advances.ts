/** Time goes on: no instant sees an endless exchange of wakes, retries or refusals. */
import type { Invariant } from './invariant.ts';

const ENTRIES_MAX = 20_000;

export const timeAdvances: Invariant = {
  name: 'time-advances',
  promise: `Time never runs back, and no instant sees more than ${ENTRIES_MAX} inputs and effects.`,
  watch(_scenario, report) {
    let [now, count] = [0, 0];
    return {
      entry({ at, kind, request }) {
        if (at < now) report({ at, message: `${kind} at ${at / 1e6} s comes after ${now / 1e6} s` });
        count = at === now ? count + 1 : 1;
        now = at;
        if (count === ENTRIES_MAX + 1) report({ at, request, message: `time stands still: ${kind} again and again` });
      },
    };
  },
};
