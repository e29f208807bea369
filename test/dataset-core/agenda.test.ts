import { describe, expect, it } from 'vitest';
import type { TaskPlan } from '../../policies/task/types.ts';
import { Agenda, type AgendaParts } from '../../src/dataset/agenda.ts';
import { TaskCell } from '../../src/dataset/task-cell.ts';

const PLAN: TaskPlan = {
  group: { key: 'g', weight: 1, admittedLimit: Infinity },
  needs: new Map(),
  calls: undefined,
};

interface Input {
  readonly at: number;
  readonly name: string;
}

/** An agenda of starts, and a host that is busy for 10 µs with each; `leadsTo` names what a start pushes. */
class BusyHost {
  readonly ran: string[] = [];
  readonly agenda: Agenda;
  readonly #leadsTo: Readonly<Record<string, readonly string[]>>;
  readonly #deadlines: number[];
  readonly #cells = new Map<TaskCell, string>();
  now = 0;

  constructor(leadsTo: Readonly<Record<string, readonly string[]>>, deadlines: readonly number[] = []) {
    this.#leadsTo = leadsTo;
    this.#deadlines = [...deadlines];
    const calls: AgendaParts['calls'] = {
      deadlineAt: () => this.#deadlines[0] ?? Infinity,
      expire: () => this.#push(`deadline ${this.#deadlines.shift()}`),
      admissionAt: () => Infinity,
      wakeAdmission: () => undefined,
      sleeperAt: () => Infinity,
      shiftSleeper: () => undefined,
    };
    const perform: AgendaParts['perform'] = (_, continuation) => {
      if (continuation.kind !== 'start') throw new Error('only starts here');
      const name = this.#cells.get(continuation.task) ?? 'unknown';
      this.ran.push(`${this.now} ${name}`);
      for (const next of this.#leadsTo[name] ?? []) this.#push(next);
      this.now += 10;
    };
    this.agenda = new Agenda({ calls, pausedUntil: () => Infinity, endPause: () => undefined, perform });
  }

  run(inputs: readonly Input[]): readonly string[] {
    const waiting = [...inputs];
    for (;;) {
      const [input, wakeAt] = [waiting[0], this.agenda.nextAt()];
      if (input === undefined && wakeAt === Infinity) return this.ran;
      if (input !== undefined && input.at <= wakeAt) {
        waiting.shift();
        this.now = Math.max(this.now, input.at);
        this.agenda.hear(this.now, { kind: 'start', task: this.#cell(input.name) });
      } else {
        this.now = Math.max(this.now, wakeAt);
        this.agenda.wake(this.now);
      }
    }
  }

  #push(name: string): void {
    this.agenda.push({ kind: 'start', task: this.#cell(name) });
  }

  #cell(name: string): TaskCell {
    const cell = new TaskCell(PLAN, 0, 0, 0, 0);
    this.#cells.set(cell, name);
    return cell;
  }
}

const at = (instant: number, ...names: string[]): Input[] => names.map((name) => ({ at: instant, name }));

describe('Agenda', () => {
  it('runs what a continuation leads to in a later turn', () => {
    const host = new BusyHost({ a: ['a2'], a2: ['a3'] });
    expect(host.run(at(0, 'a', 'b'))).toEqual(['0 a', '10 b', '20 a2', '30 a3']);
  });

  it('hears at the end of a turn what was due when it began', () => {
    const host = new BusyHost({ a: ['a2'], b: ['b2'], a2: ['a3'], b2: ['b3'] });
    const ran = host.run([...at(0, 'a', 'b'), ...at(5, 'late')]);
    expect(ran).toEqual(['0 a', '10 b', '20 a2', '30 b2', '40 a3', '50 b3', '60 late']);
  });

  it('hears what became due during a turn after what was due before it, though the turn led to nothing', () => {
    const host = new BusyHost({ a: ['a2'], before: ['before2'] });
    // a2 runs from 10 to 20 and pushes nothing.
    const ran = host.run([...at(0, 'a'), ...at(5, 'before'), ...at(15, 'during')]);
    expect(ran).toEqual(['0 a', '10 a2', '20 before', '30 before2', '40 during']);
  });

  it('merges its timers with inputs in the order in which they were due', () => {
    const host = new BusyHost({}, [4, 6]);
    const inputs = [...at(0, 'busy'), ...at(3, 'third'), ...at(5, 'fifth'), ...at(6, 'sixth')];
    const ran = host.run(inputs).map((line) => line.replace(/^\d+ /, ''));
    expect(ran).toEqual(['busy', 'third', 'deadline 4', 'fifth', 'sixth', 'deadline 6']);
  });

  it('is idle once nothing is left, and ignores a spurious wake', () => {
    const host = new BusyHost({});
    host.run(at(0, 'a'));
    expect(host.agenda.nextAt()).toBe(Infinity);
    host.agenda.wake(100);
    expect([host.agenda.nextAt(), host.ran]).toEqual([Infinity, ['0 a']]);
  });
});
