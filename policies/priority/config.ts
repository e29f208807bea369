/**
 * Configuration of the priority scheduler. Defaults of the classes are smg's built-in ones
 * (middleware/scheduler/config.rs, 73da68ca9). Upstream a class written in its file replaces the whole class,
 * and leaving out reserved_per_slot loses the share; here each field falls back by itself, so write
 * `reservedPerSlot: 0` to get that.
 */
import { z } from 'zod';
import { count, duration, durationOrNone, policyObject, unknownKeys } from '../config.ts';
import { CLASSES } from './classes.ts';

interface ClassDefaults {
  readonly reservedFloor: number;
  readonly reservedPerSlot: number;
  readonly queueSize: number;
  readonly queueTimeout: string;
  readonly starvation: string;
  readonly canPreempt: boolean;
}

function classSchema(defaults: ClassDefaults) {
  const fields = {
    queueTimeout: duration('1us')
      .prefault(defaults.queueTimeout)
      .describe('Duration a request may wait, then shed as queue-timeout. Source: smg queue_timeout_secs.'),
    starvation: durationOrNone('1us')
      .prefault(defaults.starvation)
      .describe("Wait after which the head ignores reservations, or 'none'. Source: smg starvation_threshold_secs."),
    reservedPerSlot: z
      .number()
      .min(0)
      .prefault(defaults.reservedPerSlot)
      .describe('Slots reserved per slot of capacity. Source: smg reserved_per_slot.'),
    reservedFloor: count()
      .prefault(defaults.reservedFloor)
      .describe('Slots reserved at least. Source: smg reserved_floor.'),
    queueSize: count()
      .prefault(defaults.queueSize)
      .describe('Requests that may wait; one more is shed as queue-full. Source: smg queue_size.'),
    canPreempt: z
      .boolean()
      .prefault(defaults.canPreempt)
      .describe('Whether it may push out a lower class before its first byte. Source: smg can_preempt.'),
  };
  return z.strictObject(fields, { error: unknownKeys('a class', Object.keys(fields)) }).prefault({});
}

const classes = {
  bulk: classSchema({
    ...{ reservedFloor: 0, reservedPerSlot: 0, queueSize: 1024 },
    ...{ queueTimeout: '300s', starvation: '120s', canPreempt: false },
  }).describe('Settings of class bulk. Source: smg built-in classes.'),
  default: classSchema({
    ...{ reservedFloor: 0, reservedPerSlot: 0.1, queueSize: 512 },
    ...{ queueTimeout: '60s', starvation: '30s', canPreempt: false },
  }).describe('Settings of class default. Source: smg built-in classes.'),
  interactive: classSchema({
    ...{ reservedFloor: 128, reservedPerSlot: 0.25, queueSize: 256 },
    ...{ queueTimeout: '30s', starvation: '5s', canPreempt: true },
  }).describe('Settings of class interactive. Source: smg built-in classes.'),
  system: classSchema({
    ...{ reservedFloor: 32, reservedPerSlot: 0, queueSize: 64 },
    ...{ queueTimeout: '30s', starvation: '5s', canPreempt: true },
  }).describe('Settings of class system. Source: smg built-in classes.'),
};

export const priorityConfig = policyObject('priority', {
  classes: z
    .strictObject(classes, { error: unknownKeys('classes', CLASSES) })
    .prefault({})
    .describe('Settings per class, lowest first: bulk, default, interactive, system. Source: smg built-in classes.'),
  basePriority: z
    .int()
    .prefault(0)
    .describe('Priority that means bulk; each class is one above the last, others count as the nearest. Source: ours.'),
  defaultMaxClass: z
    .enum(CLASSES)
    .prefault('default')
    .describe('Highest class of a tenant not listed. Source: smg priority-scheduler-default-max-class.'),
  tenants: z
    .record(z.string(), z.enum(CLASSES))
    .prefault({})
    .describe('Highest class by tenant. Source: smg max_class.'),
  ratePerSec: z
    .number()
    .min(0)
    .prefault(0)
    .describe('Arrivals let through per second, one capacity at once, else rate-limited; 0: no limit. Source: smg.'),
  dispatch: z
    .enum(['at-once', 'kicked'])
    .prefault('at-once')
    .describe("'kicked': waiters are served after the arrivals of that instant. Source: smg defect 16."),
  preemptedSlot: z
    .enum(['earmarked', 'open'])
    .prefault('earmarked')
    .describe('Whether a slot freed by preemption is kept for its class and above. Source: smg defect 16.'),
  deadWaiters: z
    .enum(['leave', 'keep-place'])
    .prefault('leave')
    .describe('Whether one who gave up still counts against the queue until it is at its head. Source: smg defect 17.'),
  starved: z
    .enum(['safe', 'preemptible'])
    .prefault('safe')
    .describe('Whether a request admitted for its long wait can be pushed out again. Source: ours; smg pushes it out.'),
  whenUnfit: z
    .enum(['clamp', 'legacy-admission'])
    .prefault('clamp')
    .describe('Reservations beyond the first capacity: cut them, or give up classes for good. Source: smg defect 15.'),
  reserveFor: z
    .enum(['permitted', 'all'])
    .prefault('permitted')
    .describe("'all': classes that no tenant may have hold their slots back, too, as in smg. Source: ours."),
  unreserved: count()
    .prefault(1)
    .describe('Slots that no reservation takes; 0, as in smg: a small idle fleet starves lower classes. Source: ours.'),
});
export type PriorityConfig = z.output<typeof priorityConfig>;
export type ClassConfig = PriorityConfig['classes'][(typeof CLASSES)[number]];
