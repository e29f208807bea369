/** The one timer of a host, on a clock that the test turns. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Agenda } from '../../src/live/agenda.ts';
import { LiveClock } from '../../src/live/clock.ts';

let clock: LiveClock;
let agenda: Agenda;
let met: string[];
beforeEach(() => {
  vi.useFakeTimers();
  clock = new LiveClock();
  agenda = new Agenda(clock, (job) => job());
  met = [];
});
afterEach(() => {
  agenda.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const note = (name: string) => agenda.deadline(() => met.push(`${name} ${clock.now()}`));

describe('an agenda', () => {
  it('meets deadlines in order, each once, never early', () => {
    const [a, b, c] = [note('a'), note('b'), note('c')];
    agenda.set(b, 5000);
    agenda.set(a, 2500);
    agenda.set(c, 5000);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(2);
    expect(met).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(met).toEqual(['a 3000', 'b 5000', 'c 5000']);
    expect(agenda.size).toBe(0);
  });

  it('moves and takes off deadlines', () => {
    const [a, b] = [note('a'), note('b')];
    agenda.set(a, 1000);
    agenda.set(b, 2000);
    agenda.set(a, 9000);
    agenda.cancel(b);
    agenda.set(b, Infinity);
    expect([a.isSet, b.isSet]).toEqual([true, false]);
    vi.advanceTimersByTime(8);
    expect(met).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(met).toEqual(['a 9000']);
  });

  it('meets what is set meanwhile on a turn of its own', () => {
    const again = agenda.deadline(() => {
      met.push(`again ${clock.now()}`);
      if (met.length < 3) agenda.set(again, clock.now());
    });
    agenda.set(again, 0);
    vi.advanceTimersByTime(10);
    expect(met).toHaveLength(3);
  });

  it('waits in stretches for what is further away than a timer reaches', () => {
    const far = note('far');
    agenda.set(far, 40 * 24 * 3600e6);
    vi.advanceTimersByTime(30 * 24 * 3600e3);
    expect(met).toEqual([]);
    vi.advanceTimersByTime(11 * 24 * 3600e3);
    expect(met).toHaveLength(1);
  });

  it('meets nothing once it is closed', () => {
    const a = note('a');
    agenda.set(a, 1000);
    agenda.close();
    agenda.set(a, 2000);
    vi.advanceTimersByTime(10);
    expect(met).toEqual([]);
  });
});
