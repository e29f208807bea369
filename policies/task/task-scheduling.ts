/**
 * Task scheduling as the registry knows it: the share rule gives a policy its name, all else they have in common.
 * Resolver, queue, admission and advisory say in their own files how they decide. The variants are DataDesigner's:
 * `head` 99517abc, `fixed` the merge of pull 730 (4fe479c1), `baseline` its parent (1baebd08).
 */
import type { PolicyEntry } from '../entry.ts';
import { BoundedBorrow } from './bounded-borrow.ts';
import {
  type BoundedBorrowConfig,
  boundedBorrowConfig,
  type StrictConfig,
  strictConfig,
  type TaskConfig,
} from './config.ts';
import { FairTaskQueue } from './fair-task-queue.ts';
import { RequestPressureAdvisory } from './pressure-advisory.ts';
import { planOf, requestLimitsOf } from './resolver.ts';
import type { ShareRule } from './share-rule.ts';
import { Strict } from './strict.ts';
import { LeasingTaskAdmission } from './task-admission.ts';
import {
  type GeneratorView,
  LLM_WAIT,
  type Needs,
  type PressureSource,
  type SchedulableTask,
  SUBMISSION,
  type TaskScheduler,
  type TaskScheduling,
} from './types.ts';

const SOURCE = 'NVIDIA-NeMo/DataDesigner engine/dataset_builders/scheduling 99517abc';
const BEFORE_810 = { emptiedGroup: 'stays', reserveRatio: 0.125, reserveMin: 1 };
const BEFORE_730 = { requestLimits: 'none', dispatchYield: 'none' };

export const boundedBorrow: PolicyEntry<'tasks', BoundedBorrowConfig> = {
  role: 'tasks',
  name: 'bounded-borrow',
  decides: 'Which task starts now: fair order over groups, shares of contested resources, the rest lent.',
  source: SOURCE,
  config: boundedBorrowConfig,
  variants: { head: {}, fixed: BEFORE_810, baseline: { ...BEFORE_810, ...BEFORE_730 } },
  make: (config) => schedulingWith(config, () => new BoundedBorrow(config)),
};

export const strict: PolicyEntry<'tasks', StrictConfig> = {
  role: 'tasks',
  name: 'strict',
  decides: 'Which task starts now: fair order over groups, each held to its limit while others press.',
  source: SOURCE,
  config: strictConfig,
  variants: { head: {}, fixed: { emptiedGroup: 'stays' }, baseline: { emptiedGroup: 'stays', ...BEFORE_730 } },
  make: (config) => schedulingWith(config, () => new Strict()),
};

function schedulingWith(config: TaskConfig, rule: () => ShareRule): TaskScheduling {
  return {
    schedule<Task extends SchedulableTask>(
      generators: readonly GeneratorView[],
      pressure?: PressureSource,
    ): TaskScheduler<Task> {
      const advised = config.advisory === 'request-pressure' && pressure !== undefined;
      return {
        plans: generators.map((generator) => planOf(generator, config)),
        queue: new FairTaskQueue<Task>(config.emptiedGroup),
        admission: new LeasingTaskAdmission(limitsOf(config, generators), rule(), config),
        advisory: advised ? new RequestPressureAdvisory(pressure) : undefined,
        yieldAfterDispatch: config.dispatchYield === 'after-dispatch',
      };
    },
  };
}

/** The limits named one by one win. */
function limitsOf(config: TaskConfig, generators: readonly GeneratorView[]): Needs {
  return new Map([
    [SUBMISSION, config.submission],
    [LLM_WAIT, config.llmWait],
    ...requestLimitsOf(generators, config),
    ...config.limits.map(({ resource, limit }) => [resource, limit] as const),
  ]);
}
