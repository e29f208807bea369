/** Every run ends, and holds nothing then: no lease, permit, timer, waiter, block, task or job. */
import type { Invariant } from './invariant.ts';

export const nothingHeld: Invariant = {
  name: 'nothing-held',
  promise: 'Every run drains: at its end no lease, permit, waiter, timer, KV block or task is held.',
  verdict: 'unfinished',
  watch(_scenario, report) {
    return {
      end({ result, status, held }) {
        const at = result.simulated_seconds * 1e6;
        const left = Object.entries(result.held).filter(([, count]) => count !== 0);
        if (status !== 'unfinished' && left.length === 0) return;
        const lines = held.length > 0 ? held : left.map(([name, count]) => `${name}: ${count}`);
        const what = lines.length === 0 ? 'nothing is held, yet work is to come' : `held: ${lines.join(', ')}`;
        report({ at, message: `the run does not end; after ${result.events} events ${what}` });
      },
    };
  },
};
