/**
 * What the capacity policy says after news (a report, a status, a settled lease) reaches the queue with that very
 * input: it is asked again before the next one. Otherwise waiters stay out until something else happens. It is asked at
 * both ends of an input; a lease that the queue takes back after that, by a preemption, is news for the next one.
 */
import type { Invariant } from './invariant.ts';

const INPUT = 'gateway.';
/** Says when a report was taken; no input of its own. */
const STAMP = 'gateway.reportStamp';
const ENDS = 2;

export const capacityHeeded: Invariant = {
  name: 'capacity-heeded',
  promise: 'After news the capacity policy is asked anew before the next input, so that nobody waits beside room.',
  hears: ['capacity.current', 'capacity.reported', 'capacity.statusChanged', 'capacity.settled'],
  watch({ policies }, report) {
    const { name } = policies.capacity;
    if (name === 'fixed') return {};
    let hasNews = false;
    /** Times that it was asked in this input. */
    let asked = 0;
    return {
      call({ method }) {
        if (method === 'current') {
          asked++;
          hasNews = false;
        } else if (asked < ENDS) hasNews = true;
      },
      entry({ at, kind }) {
        if (!kind.startsWith(INPUT) || kind === STAMP) return;
        if (hasNews) {
          const message = `capacity ${name} heard news and was not asked again before ${kind}`;
          report({ at, role: 'capacity', message });
        }
        hasNews = false;
        asked = 0;
      },
    };
  },
};
