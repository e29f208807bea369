import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TaskPlan } from '../../policies/task/types.ts';
import { TaskCell } from '../../src/dataset/task-cell.ts';
import { TimedWait, type WaitStep } from '../../src/dataset/timed-wait.ts';

const PLAN: TaskPlan = {
  group: { key: 'g', weight: 1, admittedLimit: Infinity },
  needs: new Map(),
  calls: undefined,
};

/** A wait alone on its agenda. */
function waitAlone() {
  const steps: WaitStep[] = [];
  const wait = new TimedWait(new TaskCell(PLAN, 0, 0, 0, 0), 100, (_, step) => void steps.push(step));
  /** The next `count` steps; those after which the wait was over are upper case. */
  const run = (count = Infinity): readonly string[] => {
    const ran: string[] = [];
    while (ran.length < count) {
      const step = steps.shift();
      if (step === undefined) break;
      ran.push(wait.step(step) ? step.toUpperCase() : step);
    }
    return ran;
  };
  return { wait, run };
}

describe('TimedWait', () => {
  it('resumes its task four continuations after an answer', () => {
    const { wait, run } = waitAlone();
    wait.signal();
    expect(run()).toEqual(['signal', 'wake', 'report', 'RESUME']);
  });

  it('calls its helper off at the deadline before the task goes on', () => {
    const { wait, run } = waitAlone();
    wait.expire();
    expect(run()).toEqual(['resume', 'wake', 'report', 'RESUME']);
  });

  it.each([
    ['after the signal', 1, ['wake', 'RESUME', 'report']],
    ['after the helper woke', 2, ['report', 'RESUME']],
    ['after the helper reported', 3, ['RESUME']],
  ] as const)('goes on with an answer that came just before the deadline (%s)', (_, before, rest) => {
    const { wait, run } = waitAlone();
    wait.signal();
    run(before);
    wait.expire();
    expect(run()).toEqual(rest);
  });

  it('is told of an answer after the deadline by its timer, not by the signal', () => {
    const { wait, run } = waitAlone();
    wait.expire();
    wait.signal();
    expect(run()).toEqual(['resume', 'signal', 'wake', 'report', 'RESUME']);
  });

  it('lets its task go on once, whatever comes when', () => {
    const events = fc.array(fc.constantFrom('signal', 'expire', 'step'), { maxLength: 12, size: 'max' });
    fc.assert(
      fc.property(events, (given) => {
        const { wait, run } = waitAlone();
        const once = new Set<string>();
        const ran: string[] = [];
        for (const event of given) {
          if (event === 'step') ran.push(...run(1));
          else if (!once.has(event) && !ran.includes('RESUME')) wait[event]();
          once.add(event);
        }
        ran.push(...run());
        const told = given.some((event) => event !== 'step');
        expect(ran.filter((step) => step === 'RESUME')).toHaveLength(told ? 1 : 0);
      }),
      { seed: 725, numRuns: 2000 },
    );
  });
});
