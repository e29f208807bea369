import { describe, expect, it } from 'vitest';
import { AdaptiveAdmission } from '../../../policies/admission/adaptive-admission.ts';
import { requestAdmission } from '../../../policies/admission/request-admission.ts';
import type { Resource } from '../../../policies/admission/types.ts';
import { RequestPressureAdvisory } from '../../../policies/task/pressure-advisory.ts';
import type { SchedulableTask } from '../../../policies/task/types.ts';
import { plan, task } from './tasks.ts';

const chat = (model: string): Resource => ({ provider: 'p', model, domain: 'chat' });
const caller = (key: string, model: string): SchedulableTask => {
  return task(key, { ...plan(key, { submission: 1 }), calls: chat(model) });
};

/** Request admission where m1 and m2 may have two calls out each, and `calls` of m1 are out. */
function make(calls: number) {
  const admission = new AdaptiveAdmission(requestAdmission.config.parse({ name: 'aimd' }));
  for (const model of ['m1', 'm2']) admission.register(0, 'p', model, 'alias', 2);
  const leases = Array.from({ length: calls }, (_, i) => {
    const answer = admission.tryAcquire(0, i, chat('m1'));
    if (answer.kind === 'denied') throw new Error(answer.reason);
    return answer.lease;
  });
  return { admission, leases, advisory: new RequestPressureAdvisory(admission) };
}

describe('RequestPressureAdvisory', () => {
  it('sees no pressure where nothing is known or places are free', () => {
    const { advisory } = make(1);
    for (const model of ['m1', 'm2', 'unknown']) expect(advisory.pressure(0, chat(model)), model).toBeUndefined();
  });

  it('sees an endpoint that is full, a rest after a 429, and waiters', () => {
    const { admission, leases, advisory } = make(2);
    expect(advisory.pressure(0, chat('m1'))).toBe('endpoint-full');
    for (const lease of leases) admission.release(0, lease, 'rate-limited');
    expect(advisory.pressure(0, chat('m1'))).toBe('cooldown');
    admission.acquire(0, 9, chat('m1'));
    expect(advisory.pressure(2e6, chat('m1'))).toBe('waiters');
    admission.wake(2e6);
    // The 429s cut the limit to 1, which the waiter now holds, while the endpoint has a second place.
    expect(advisory.pressure(2e6, chat('m1'))).toBe('at-limit');
  });

  it('holds a pressed task back only while another group has an admissible one without pressure', () => {
    const { advisory } = make(2);
    const [pressed, free, alsoPressed] = [caller('a', 'm1'), caller('b', 'm2'), caller('c', 'm1')];
    const local = task('d', plan('d', { submission: 1 }));
    const any = () => true;
    type Admissible = (head: SchedulableTask) => boolean;
    const cases: readonly [SchedulableTask, readonly SchedulableTask[], Admissible, boolean][] = [
      [pressed, [pressed], any, true],
      [pressed, [pressed, free], any, false],
      [pressed, [pressed, local], any, false],
      [pressed, [pressed, alsoPressed], any, true],
      [pressed, [pressed, free], (head) => head !== free, true],
      [free, [pressed, free, local], any, true],
      [local, [pressed, local], any, true],
    ];
    for (const [i, [candidate, heads, admissible, expected]] of cases.entries()) {
      expect(advisory.passes(0, candidate, heads, admissible), `case ${i}`).toBe(expected);
    }
  });
});
