/**
 * Conservation of attempts: a request runs on one worker at a time, and each attempt is settled once, by its end or by
 * its cancellation. A reply that comes after a cancellation is late, and changes nothing.
 */
import type { Invariant } from './invariant.ts';

type State = 'running' | 'cancelled' | 'ended';

export const attemptsEndOnce: Invariant = {
  name: 'attempts-end-once',
  promise: 'A request has at most one attempt at a time, and every attempt is settled exactly once.',
  watch(_scenario, report) {
    const states = new Map<number, State>();
    let recorded = 0;
    return {
      entry({ at, kind, first: attempt, second: worker, request: id }, request) {
        const tell = (message: string): void => report({ at, request: id, message });
        const state = states.get(attempt);
        if (kind === 'effect.start') {
          if (state !== undefined) tell(`attempt ${attempt} starts a second time`);
          if (request !== undefined && request.attempt >= 0) {
            tell(
              `attempt ${attempt} of request ${id} starts on worker ${worker} while attempt ${request.attempt} runs`,
            );
          }
          states.set(attempt, 'running');
        } else if (kind === 'effect.cancel') {
          if (state !== 'running') tell(`attempt ${attempt} is cancelled while it is ${state ?? 'unknown'}`);
          states.set(attempt, 'cancelled');
        } else if (kind === 'gateway.end') {
          if (state === undefined || state === 'ended')
            tell(`attempt ${attempt} ends while it is ${state ?? 'unknown'}`);
          states.set(attempt, 'ended');
        }
      },
      record({ attempts }) {
        recorded += attempts;
      },
      end({ result, status }) {
        if (status === 'unfinished') return;
        const at = result.simulated_seconds * 1e6;
        const running = [...states].find(([, state]) => state === 'running');
        if (running !== undefined) report({ at, message: `attempt ${running[0]} was never settled` });
        if (recorded !== states.size || result.attempts !== states.size) {
          const counts = `the requests had ${recorded}, the result counts ${result.attempts}`;
          report({ at, message: `${states.size} attempts were started, ${counts}` });
        }
      },
    };
  },
};
