/**
 * Decides who enters when the gateway is full by class: bulk, default, interactive, system. Each class has
 * slots reserved against the classes below it, a queue of its own with its own bound and wait, and a threshold
 * beyond which its head counts as starved and ignores reservations. Interactive and system requests that find
 * no slot may push out a running request of a lower class as long as nothing of its reply has been sent.
 * Regimes: below capacity, less what is reserved, nobody notices; under overload the lower classes wait and are
 * shed while the higher go in at once; starvation keeps the lowest moving at one request per threshold; a
 * capacity too small for the reservations serves system first, and leaves one slot to everybody.
 *
 * The class of a request is its `priority`: by default 0 bulk, 1 default, 2 interactive, 3 system
 * (`basePriority`), at most the class its tenant may have, so out of the box nobody rises above default.
 * Limits: slots, not KV blocks; an attempt pushed out has cost its prefill; of requests that back off or wait
 * for a worker none can be pushed out; held reservations idle while their class is quiet.
 *
 * Source: smg middleware/scheduler at 73da68ca9. Variant `smg-2026-08-07` restores newcomers that pass waiters,
 * the freed slot that anybody may take, dead waiters that fill the queue, starved requests that are pushed out
 * again, the fallback to legacy admission, and reservations that take every slot, also for classes that nobody
 * may have. We differ by default too in that preemption is tried only where one slot helps.
 */
import type { PolicyEntry } from '../entry.ts';
import { tokenBucket } from '../rate/bucket-queue.ts';
import { LegacyQueue } from '../rate/legacy-queue.ts';
import type { Queue } from '../types.ts';
import { CLASSES } from './classes.ts';
import { type PriorityConfig, priorityConfig } from './config.ts';
import { ConstructionCheck } from './construction-check.ts';
import { desiredReservations, fits } from './reservations.ts';
import { Scheduler } from './scheduler.ts';

function makeQueue(config: PriorityConfig): Queue {
  const scheduler = new Scheduler(config);
  if (config.whenUnfit === 'clamp') return scheduler;
  const classes = CLASSES.map((name) => config.classes[name]);
  const legacy = { name: 'token-bucket', ...tokenBucket.variants['smg-2026-08-07'] };
  return new ConstructionCheck(
    scheduler,
    (capacity) => fits(desiredReservations(classes, capacity), capacity),
    () => new LegacyQueue(tokenBucket.config.parse(legacy)),
  );
}

export const priority: PolicyEntry<'queue', PriorityConfig> = {
  role: 'queue',
  name: 'priority',
  decides: 'Who may enter by class: reserved slots, a queue per class, starvation, preemption before the first byte.',
  source: 'smg model_gateway/src/middleware/scheduler 73da68ca9',
  config: priorityConfig,
  variants: {
    'smg-2026-08-07': {
      dispatch: 'kicked',
      preemptedSlot: 'open',
      deadWaiters: 'keep-place',
      starved: 'preemptible',
      whenUnfit: 'legacy-admission',
      reserveFor: 'all',
      unreserved: 0,
    },
  },
  make: makeQueue,
};
