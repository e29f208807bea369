/**
 * The queue `priority` keeps what it reserves: nobody takes a slot that a class above has reserved and not in use,
 * unless he has waited beyond the starvation threshold of his class.
 */
import { CLASSES, classOf, laneOf } from '../../../policies/priority/classes.ts';
import type { PriorityConfig } from '../../../policies/priority/config.ts';
import { reservationsOf } from '../../../policies/priority/reservations.ts';
import type { RequestView } from '../../../policies/types.ts';
import type { Invariant } from './invariant.ts';
import { QUEUE_CALLS, QueueBook } from './queue-book.ts';

export const reservationsKept: Invariant = {
  name: 'reservations-kept',
  promise: 'No request takes a slot that the queue priority has reserved for a class above it, unless it starves.',
  hears: QUEUE_CALLS,
  watch({ policies }, report) {
    if (policies.queue.name !== 'priority') return {};
    const config = policies.queue as unknown as PriorityConfig;
    // As smg has it, it may run without classes for good.
    if (config.whenUnfit !== 'clamp') return {};
    const book = new QueueBook();
    const lanes = new Map<number, number>();
    const offeredAt = new Map<number, number>();
    const lane = (request: RequestView): number => laneOf(classOf(request, config));
    /** Slots taken that were not to be had, the newcomer's included; a capacity of the same input may explain it. */
    const missing = (own: number, capacity: number): number => {
      const inUse = CLASSES.map(() => 0);
      for (const each of lanes.values()) inUse[each] = (inUse[each] as number) + 1;
      const reserved = reservationsOf(config, capacity);
      let needed = lanes.size;
      for (let above = own + 1; above < CLASSES.length; above++) {
        needed += Math.max(0, (reserved[above] as number) - (inUse[above] as number));
      }
      return needed - capacity;
    };
    let earlier = Infinity;
    let latest = Infinity;
    return {
      call(call) {
        const step = book.book(call);
        if (call.method === 'capacityChanged') latest = call.args[1] as number;
        else if (step.kind === 'drained') earlier = latest;
        else if (step.kind === 'left') lanes.delete(step.request.id);
        else if (step.kind === 'queued') offeredAt.set(step.request.id, call.at);
        if (step.kind !== 'admitted') return;
        const { request } = step;
        const own = lane(request);
        lanes.set(request.id, own);
        const name = CLASSES[own] as (typeof CLASSES)[number];
        const waitedUs = book.now - (offeredAt.get(request.id) ?? book.now);
        offeredAt.delete(request.id);
        if (waitedUs >= config.classes[name].starvation) return;
        const short = Math.min(missing(own, latest), missing(own, earlier));
        if (!(short > 0)) return;
        const { id } = request;
        const message = `queue priority lets ${name} request ${id} take a slot reserved above; ${short} too many`;
        report({ at: call.at, request: id, role: 'queue', message });
      },
    };
  },
};
