/** Conservation of requests: what arrives ends, once, and in one way; nothing ends that never came. */
import type { Invariant } from './invariant.ts';

export const requestsEndOnce: Invariant = {
  name: 'requests-end-once',
  promise: 'Every request that arrives ends exactly once, and the ways to end add up to what was offered.',
  watch(_scenario, report) {
    const recorded = new Set<number>();
    let [arrived, finished] = [0, 0];
    return {
      entry({ at, kind, request: id }, request) {
        if (kind === 'gateway.arrive') {
          arrived++;
          if (request !== undefined) report({ at, request: id, message: `request ${id} arrives a second time` });
        } else if (kind === 'effect.finish') {
          finished++;
          if (request === undefined) report({ at, request: id, message: `request ${id} ends and never arrived` });
          else if (request.finishedAt >= 0) report({ at, request: id, message: `request ${id} ends a second time` });
        }
      },
      record({ id, sentAt, arrivedAt, finishedAt }) {
        const at = finishedAt;
        if (recorded.has(id)) report({ at, request: id, message: `the client of request ${id} is told of two ends` });
        recorded.add(id);
        if (finishedAt < sentAt || (arrivedAt >= 0 && arrivedAt < sentAt)) {
          report({ at, request: id, message: `request ${id} ends or arrives before it was sent` });
        }
      },
      end({ result, status }) {
        const at = result.simulated_seconds * 1e6;
        const ends = Object.values(result.outcomes).reduce((sum, count) => sum + count, 0);
        if (ends !== result.offered)
          report({ at, message: `${result.offered} requests were offered, ${ends} counted` });
        if (status === 'unfinished') return;
        if (arrived !== finished || finished !== recorded.size || recorded.size !== result.offered) {
          const counts = `${arrived} arrived, ${finished} ended, ${recorded.size} are recorded`;
          report({ at, message: `of ${result.offered} requests offered ${counts}` });
        }
      },
    };
  },
};
