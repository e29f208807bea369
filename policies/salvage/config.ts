/**
 * Configuration of the salvage policies. Defaults: NVIDIA-NeMo/DataDesigner at 07564169 (AsyncTaskScheduler).
 */
import { z } from 'zod';
import { count, duration, policyObject } from '../config.ts';

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
  pacing: duration()
    .prefault('50ms')
    .describe('Duration between cycles when nothing is in flight. Source: DataDesigner async_scheduler.py, 0.05 s.'),
});
export type RoundsConfig = z.output<typeof roundsConfig>;
