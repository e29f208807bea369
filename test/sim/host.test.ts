import { describe, expect, it } from 'vitest';
import { ENTRY } from '../../src/sim/journal.ts';
import { endpoint, FREE_HOST, MS, repeated, runWorld, sendAt } from '../harness/world-builder.ts';

const STALL = { kind: 'stall', host: 'gateway', at: 5 * MS, forUs: 20 * MS } as const;
const ONE_AT_A_TIME = { capacity: { name: 'fixed', max: 1 }, queue: { name: 'fifo', size: 10, timeout: '6ms' } };

/** Keeps the journal from the first entry on. */
function tapped() {
  const lines: string[] = [];
  return {
    lines,
    tap: {
      from: 0,
      to: Infinity,
      record: ({ at, kind }: { at: number; kind: string }) => lines.push(`${at / MS} ${kind}`),
    },
  };
}

describe('a host stall', () => {
  it('delays the inputs that come meanwhile to its end', () => {
    const { records } = runWorld({ faults: [STALL], workload: sendAt(4 * MS, 7 * MS, 24 * MS, 25 * MS, 26 * MS) });
    expect(records.map((record) => record.arrivedAt / MS).sort((a, b) => a - b)).toEqual([4, 25, 25, 25, 26]);
  });

  it('runs timers and inputs that came due meanwhile at its end, in the order in which they were due', () => {
    const { lines, tap } = tapped();
    const { records } = runWorld({
      faults: [STALL],
      policies: ONE_AT_A_TIME,
      // The first is done at 11 ms; the second waits until 8.
      workload: sendAt(1 * MS, 2 * MS, 9 * MS),
      tap,
    });
    const after = lines.filter((line) => line.startsWith('25 ') && line !== '25 attempt.tokens');
    expect(after.slice(0, 5)).toEqual([
      '25 gateway.wake',
      '25 effect.finish',
      '25 gateway.arrive',
      '25 gateway.end',
      '25 effect.finish',
    ]);
    expect(records.map((record) => [record.id, record.cause, record.finishedAt / MS])).toEqual([
      [1, 'queue-timeout', 25],
      [0, 'none', 25],
      [2, 'none', 35],
    ]);
  });

  it('turns a waiter whose slot came free in time into a queue timeout', () => {
    const worker = endpoint({ serviceUs: { dist: 'constant', value: 7 * MS } });
    const spec = { policies: ONE_AT_A_TIME, workers: [worker] };
    const causes = (stalled: boolean) =>
      runWorld({ ...spec, workload: sendAt(0, 2 * MS), faults: stalled ? [STALL] : [] }).records.map((r) => r.cause);
    expect(causes(false)).toEqual(['none', 'none']);
    expect(causes(true).sort()).toEqual(['none', 'queue-timeout']);
  });

  it('comes again as often as asked', () => {
    const { records } = runWorld({
      faults: repeated(STALL, 50 * MS, 3),
      workload: sendAt(60 * MS, 110 * MS, 160 * MS),
    });
    expect(records.map((record) => record.arrivedAt / MS)).toEqual([75, 125, 160]);
  });

  it('lets the effects of what ran before it leave on time', () => {
    const { records } = runWorld({
      host: { ...FREE_HOST, inputUs: 1 * MS },
      faults: [{ ...STALL, at: 500 }],
      workload: sendAt(0, 600),
    });
    expect(records.map((record) => [record.id, record.startedAt])).toEqual([
      [0, 1 * MS],
      [1, 22 * MS],
    ]);
  });

  it('that ends at a deadline leaves the reply of that instant first', () => {
    const { records } = runWorld({
      faults: [{ ...STALL, forUs: 5 * MS }],
      policies: { timeouts: { attempt: '10ms' } },
      workload: sendAt(0),
    });
    expect(records).toMatchObject([{ reason: 'ok', finishedAt: 10 * MS }]);
  });
});

describe('host costs', () => {
  it('serialise inputs; effects leave when the handler is done', () => {
    const { records } = runWorld({
      workers: [endpoint({ maxRunning: 10, serviceUs: { dist: 'constant', value: 100 * MS } })],
      host: { ...FREE_HOST, inputUs: 1 * MS },
      workload: sendAt(0, 0, 0),
    });
    expect(records.map((record) => record.arrivedAt / MS)).toEqual([0, 1, 2]);
    expect(records.map((record) => record.startedAt / MS)).toEqual([1, 2, 3]);
  });

  it('count selections, bookkeeping and starts', () => {
    const { records } = runWorld({
      host: { inputUs: 1, selectionUs: 10, bookkeepingUs: 100, queuedUs: 0, startUs: 1000, resolutionUs: 0 },
      workload: sendAt(0),
    });
    // One input, one choice of a worker, one grant, one start.
    expect(records[0]?.startedAt).toBe(1111);
  });

  it('grow with what a bookkeeping call walks', () => {
    const { records } = runWorld({
      host: { ...FREE_HOST, queuedUs: 10 },
      policies: { capacity: { name: 'fixed', max: 1 }, queue: { name: 'fifo', size: 10 } },
      workload: sendAt(0, 1, 2, 3),
    });
    // The settle at 10 ms walks three, the finish two (its permit went on), the grant two.
    expect(records.find((record) => record.id === 1)?.startedAt).toBe(10 * MS + 70);
  });

  it('of nothing leave no trace in time', () => {
    const { records } = runWorld({ workload: sendAt(3) });
    expect(records[0]).toMatchObject({ arrivedAt: 3, startedAt: 3, finishedAt: 3 + 10 * MS });
  });
});

describe('the journal', () => {
  it('names every entry it makes', () => {
    const { lines, tap } = tapped();
    runWorld({ workload: sendAt(0), tap });
    expect(lines.every((line) => (ENTRY as readonly string[]).includes(line.split(' ')[1] as string))).toBe(true);
    expect(lines[0]).toBe('0 gateway.discovered');
  });
});
