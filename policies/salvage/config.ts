/**
 * Configuration of the salvage policies. Defaults: NVIDIA-NeMo/DataDesigner at 07564169 (AsyncTaskScheduler).
 */
import { z } from 'zod';
import { count, duration, durationOrNone, policyObject } from '../config.ts';

const CAUSES = [
  'queue-full',
  'queue-timeout',
  'no-worker',
  'all-busy',
  'rate-limited',
  'preempted',
  'deadline',
  'upstream',
] as const;

export const roundsConfig = policyObject('rounds', {
  roundsMax: count(1)
    .prefault(2)
    .describe('Salvage rounds in one cycle, ≥ 1. Source: DataDesigner salvage_max_rounds.'),
  preserve: z
    .array(z.enum(CAUSES))
    .prefault(['queue-timeout', 'rate-limited'])
    .describe('Last causes that keep a task after all rounds; others drop its row. Source: DataDesigner pull 730.'),
  unhealable: z
    .array(z.enum(CAUSES))
    .prefault([])
    .describe('Causes that drop a row at once and count as errors, though they might heal. Source: ours, for history.'),
  pacing: duration()
    .prefault('50ms')
    .describe('Duration between cycles when nothing is in flight. Source: DataDesigner async_scheduler.py, 0.05 s.'),
  pacedBy: z
    .enum(['preserved', 'rate-limited'])
    .prefault('preserved')
    .describe("Whose cool-downs stretch that pause. 'rate-limited': before DataDesigner pull 730."),
  queueTimeout: z
    .enum(['own-cause', 'provider-timeout'])
    .prefault('own-cause')
    .describe("What a wait too long for admission counts as. 'provider-timeout': before DataDesigner pull 730."),
  preserveFor: durationOrNone('1us')
    .prefault('none')
    .describe("Duration from a task's first failure in which it is preserved, or 'none'. Source: ours."),
  preserveStarts: z
    .union([count(1), z.literal('none').transform(() => Infinity)])
    .prefault('none')
    .describe("Starts after which a task is preserved no longer, or 'none'. Source: ours."),
});
export type RoundsConfig = z.output<typeof roundsConfig>;
