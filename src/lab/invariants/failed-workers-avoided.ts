/** A retry avoids the workers that the request was tried on, as long as the router has others to choose from. */
import type { FleetView, RequestView } from '../../../policies/types.ts';
import type { Invariant } from './invariant.ts';

export const failedWorkersAvoided: Invariant = {
  name: 'failed-workers-avoided',
  promise: 'With excludeFailedWorkers no router is shown a worker that the request failed on beside one it did not.',
  hears: ['router.pick'],
  watch({ policies }, report) {
    if (!policies.excludeFailedWorkers) return {};
    return {
      call({ at, args }) {
        const { id, triedWorkers, targetWorker } = args[1] as RequestView;
        if (triedWorkers.length === 0 || targetWorker !== '') return;
        const shown = (args[2] as FleetView).map(({ index }) => index);
        const tried = shown.filter((index) => triedWorkers.includes(index));
        if (tried.length === 0 || tried.length === shown.length) return;
        const message = `request ${id} failed on worker ${tried.join(', ')} and may go there again`;
        report({ at, request: id, message: `${message}, of ${shown.join(', ')}` });
      },
    };
  },
};
