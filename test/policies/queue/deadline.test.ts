import { describe, expect, it } from 'vitest';
import { type DeadlineConfig, deadlineConfig } from '../../../policies/queue/config.ts';
import { deadline } from '../../../policies/queue/deadline.ts';
import type { AttemptOutcome, Queue } from '../../../policies/types.ts';
import { attemptResult, requestView, workerView } from '../views.ts';
import { takeAll } from './queue-harness.ts';

const r = (id: number, deadlineAt = Infinity) => requestView({ id, deadlineAt });

function make(fields: Partial<DeadlineConfig> = {}) {
  const queue = deadline.make(
    { ...deadlineConfig.parse({ name: 'deadline' }), prediction: 'none', ...fields },
    { rng: () => 0 },
  );
  queue.capacityChanged(0, 1);
  return queue;
}

const lease = (id: number, startedAt: number) => ({ id, request: r(id), worker: workerView(), startedAt });

/** An attempt of so long ended, while another one runs on. */
function observe(queue: Queue, now: number, durationUs: number, outcome: AttemptOutcome = 'ok') {
  queue.granted?.(now - durationUs, lease(100, now - durationUs));
  queue.granted?.(now - durationUs, lease(101, now - durationUs));
  queue.settled?.(now, lease(100, now - durationUs), attemptResult({ outcome }));
}

describe('deadline', () => {
  it('admits the earliest deadline first, equals and those without one in order', () => {
    const queue = make();
    const deadlines = [1e3, Infinity, 900, 500, Infinity, 900];
    for (const [id, at] of deadlines.entries()) queue.offer(0, r(id, at));
    queue.capacityChanged(1, 6);
    expect(takeAll(queue)).toEqual([3, 2, 5, 1, 4].map((id) => `admit ${id}`));
  });

  it('sheds at the offer what cannot be served in time, room or not', () => {
    const queue = make({ prediction: 'tokens', perPromptToken: 1, perOutputToken: 9 });
    // 100 prompt tokens and 100 output tokens take 1000.
    expect(queue.offer(5, r(0, 1004.9))).toBe('deadline');
    expect(queue.offer(5, r(1, 1005))).toBe('admitted');
  });

  it('sheds at selection what has waited too long to be served in time, and admits the next', () => {
    const queue = make({ prediction: 'tokens', perPromptToken: 0, perOutputToken: 1 });
    queue.offer(0, r(0));
    queue.offer(0, r(1, 150));
    queue.offer(0, r(2, 160));
    queue.leave(55, r(0));
    expect(takeAll(queue)).toEqual(['deadline 1', 'admit 2']);
  });

  it('predicts the moving average of attempts that ended ok', () => {
    const queue = make({ prediction: 'observed', weight: 0.5 });
    expect(queue.offer(0, r(0, 1))).toBe('admitted');
    observe(queue, 1000, 100);
    observe(queue, 1000, 200);
    observe(queue, 1000, 900, 'timeout');
    expect(queue.offer(1000, r(1, 1149.9))).toBe('deadline');
    expect(queue.offer(1000, r(2, 1150))).toBe('queued');
  });

  it('turns nobody away on an old average while no attempt runs', () => {
    const queue = make({ prediction: 'observed' });
    observe(queue, 1000, 500);
    expect(queue.offer(1000, r(0, 1100))).toBe('deadline');
    queue.settled?.(1000, lease(101, 500), attemptResult({ outcome: 'timeout' }));
    expect(queue.offer(1000, r(1, 1100))).toBe('admitted');
  });

  it('sheds a waiter at its timeout, whatever its deadline', () => {
    const queue = make({ timeout: 50 });
    for (const [id, at] of [100, 900, 800].entries()) queue.offer(id, r(id, at));
    expect(queue.nextWakeAt()).toBe(51);
    queue.wake(51);
    expect(takeAll(queue)).toEqual(['queue-timeout 1']);
    expect(queue.nextWakeAt()).toBe(52);
  });

  it('takes an attempt of no duration for an observation', () => {
    const queue = make({ prediction: 'observed', weight: 0.5 });
    observe(queue, 1000, 0);
    observe(queue, 1000, 100);
    expect(queue.offer(1000, r(0, 1049.9))).toBe('deadline');
    expect(queue.offer(1000, r(1, 1050))).toBe('admitted');
  });
});
