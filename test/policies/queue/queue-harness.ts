/** What a queue answered, in words. */
import type { Queue } from '../../../policies/types.ts';

/** Effects as `admit 1`, `queue-timeout 2`. */
export function takeAll(queue: Queue): string[] {
  const effects: string[] = [];
  for (let effect = queue.take(); effect !== undefined; effect = queue.take()) {
    if (effect.kind === 'preempt') throw new Error('no queue here preempts');
    effects.push(`${effect.kind === 'shed' ? effect.cause : 'admit'} ${effect.request.id}`);
  }
  return effects;
}
