import { describe, expect, it } from 'vitest';
import { AdaptiveAdmission } from '../../../policies/admission/adaptive-admission.ts';
import { requestAdmission } from '../../../policies/admission/request-admission.ts';
import { boundedBorrow, strict } from '../../../policies/task/task-scheduling.ts';
import type { GeneratorView, SchedulableTask } from '../../../policies/task/types.ts';
import { dispatch, tasks } from './tasks.ts';

const column = (name: string): GeneratorView => {
  return { kind: 'model', identity: ['p', 'm', 'chat'], weight: 32, columns: [name] };
};
const columns = Array.from({ length: 12 }, (_, i) => column(`c${i}`));

function schedule(variant: string, given: Readonly<Record<string, unknown>> = {}) {
  const config = boundedBorrow.config.parse({
    ...{ name: 'bounded-borrow', submission: 128, llmWait: 128 },
    ...boundedBorrow.variants[variant],
    ...given,
  });
  return boundedBorrow.make(config, { rng: () => 0 }).schedule<SchedulableTask>(columns);
}

describe('task scheduling', () => {
  it.each([
    // The shape of DataDesigner 725: 12 columns on one endpoint of 32 calls, 128 tasks in flight.
    ['head', 32],
    ['fixed', 32],
    ['baseline', 128],
  ])('%s starts %i tasks of an endpoint that serves 32 calls', (variant, started) => {
    const { plans, queue, admission } = schedule(variant);
    for (const plan of plans) queue.enqueue(tasks(plan, 32));
    expect(dispatch(queue, admission).length).toBe(started);
  });

  it.each([
    ['head', true],
    ['fixed', true],
    ['baseline', false],
  ])('%s yields after a dispatch: %s', (variant, yields) => {
    expect(schedule(variant).yieldAfterDispatch).toBe(yields);
  });

  it('advises only with a source to read, and only when it is on', () => {
    const source = new AdaptiveAdmission(requestAdmission.config.parse({ name: 'aimd' }));
    const scheduling = (advisory: string) =>
      strict.make(strict.config.parse({ name: 'strict', advisory }), { rng: () => 0 });
    expect(scheduling('request-pressure').schedule([], source).advisory).toBeDefined();
    expect(scheduling('request-pressure').schedule([]).advisory).toBeUndefined();
    expect(scheduling('none').schedule([], source).advisory).toBeUndefined();
  });

  it('lets a limit given by name win', () => {
    const limits = [{ resource: 'submission', limit: 5 }, { resource: 'gpu', limit: 2 }];
    const { admission } = schedule('head', { limits });
    const given = admission.resources().map((resource) => [resource, admission.limit(resource)]);
    expect(given).toEqual([['submission', 5], ['llm-wait', 128], ['request:p/m', 32], ['gpu', 2]]);
  });

  it('has only variants that its configuration accepts, head being the default', () => {
    for (const { name, config, variants } of [boundedBorrow, strict]) {
      for (const settings of Object.values(variants)) {
        expect(config.safeParse({ name, ...settings }).success, name).toBe(true);
      }
      expect(config.parse({ name, ...variants['head'] })).toEqual(config.parse({ name }));
    }
  });

  it.each([
    [{ submission: 0 }, 'submission'],
    [{ groupBacklog: 0 }, 'groupBacklog'],
    [{ reserveRatio: 1.5 }, 'reserveRatio'],
    [{ limits: [{ resource: 'gpu', limit: 0 }] }, 'limits.0.limit'],
    [{ ceilings: [{ group: 'a', resource: 'llm-wait', ceiling: -1 }] }, 'ceilings.0.ceiling'],
    [{ repay: 'sometimes' }, 'repay'],
  ])('refuses %j', (fields, path) => {
    const { error } = boundedBorrow.config.safeParse({ name: 'bounded-borrow', ...fields });
    expect(error?.issues.map((issue) => issue.path.join('.'))).toEqual([path]);
  });
});
