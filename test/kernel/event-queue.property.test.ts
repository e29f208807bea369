import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventQueue, type EventHandle, type Phase } from '../../src/kernel/event-queue.ts';

interface Entry {
  readonly at: number;
  readonly phase: Phase;
  readonly key: number;
  readonly seq: number;
  readonly handle: EventHandle;
}

/** The queue, and beside it a plain list that is sorted whenever asked. */
class Pair {
  readonly queue = new EventQueue<number>();
  readonly living: Entry[] = [];
  readonly handles: EventHandle[] = [];

  push(delay: number, phase: Phase, key: number): void {
    const seq = this.queue.pushed;
    const at = this.queue.at + delay;
    const handle = this.queue.push(at, phase, key, seq % 1000, seq);
    this.living.push({ at, phase, key, seq, handle });
    this.handles.push(handle);
  }

  pop(): void {
    this.living.sort((a, b) => a.at - b.at || a.phase - b.phase || a.key - b.key || a.seq - b.seq);
    const expected = this.living.shift();
    expect(this.queue.pop()).toBe(expected !== undefined);
    if (expected === undefined) return;
    expect([this.queue.at, this.queue.kind, this.queue.data]).toEqual([expected.at, expected.seq % 1000, expected.seq]);
  }

  cancel(choice: number): void {
    const handle = this.handles[choice % Math.max(1, this.handles.length)] ?? -1;
    const index = this.living.findIndex((entry) => entry.handle === handle);
    expect(this.queue.cancel(handle)).toBe(index >= 0);
    if (index >= 0) this.living.splice(index, 1);
  }

  check(): void {
    expect(this.queue.size).toBe(this.living.length);
    const earliest = this.living.reduce((at, entry) => Math.min(at, entry.at), Infinity);
    expect(this.queue.peekAt()).toBe(earliest);
  }
}

type Command = (pair: Pair) => void;

const push = fc
  .tuple(fc.oneof(fc.constant(0), fc.nat(3), fc.double({ min: 0, max: 1e9, noNaN: true })), fc.nat(3), fc.nat(4))
  .map(([delay, phase, key]): Command => (pair) => pair.push(delay, phase as Phase, key));
const pop = fc.constant<Command>((pair) => pair.pop());
const cancel = fc.nat(1_000_000).map((choice): Command => (pair) => pair.cancel(choice));
const peek = fc.constant<Command>((pair) => pair.check());
const cancelMany = fc.nat(1_000_000).map((from): Command => (pair) => {
  for (let i = 0; i < 80; i++) pair.cancel(from + i);
});
const pushMany = fc.nat(5).map((spread): Command => (pair) => {
  for (let i = 0; i < 80; i++) pair.push((i * 7) % (spread + 1), 1, i % 3);
});

/** Weights decide whether histories grow, shrink or churn; all of them bury tombstones. */
function history(pushWeight: number, popWeight: number): fc.Arbitrary<Command[]> {
  const command = fc.oneof(
    { weight: pushWeight, arbitrary: push },
    { weight: popWeight, arbitrary: pop },
    { weight: 3, arbitrary: cancel },
    { weight: 1, arbitrary: pushMany },
    { weight: 1, arbitrary: cancelMany },
    { weight: 1, arbitrary: peek },
  );
  return fc.array(command, { size: 'max', maxLength: 200 });
}

describe('EventQueue against a sorted list', () => {
  const shapes: [string, number, number][] = [
    ['that grows', 12, 2],
    ['that churns', 6, 6],
    ['that keeps running empty', 2, 12],
  ];
  it.each(shapes)('answers alike through a history %s', (_, pushWeight, popWeight) => {
    fc.assert(
      fc.property(history(pushWeight, popWeight), (commands) => {
        const pair = new Pair();
        for (const command of commands) command(pair);
        pair.check();
        while (pair.living.length > 0) pair.pop();
        pair.pop();
      }),
      { seed: 20_240_607, numRuns: 150 },
    );
  });

  it('permutes only ties when they are shuffled', () => {
    const events = fc.array(fc.tuple(fc.nat(3), fc.nat(3), fc.nat(2)), { size: 'max', maxLength: 300 });
    fc.assert(
      fc.property(events, fc.infiniteStream(fc.nat(2 ** 32 - 1)), (list, draws) => {
        const plain = new EventQueue<string>();
        const shuffled = new EventQueue<string>(() => draws.next().value as number);
        for (const queue of [plain, shuffled]) {
          for (const [at, phase, key] of list) queue.push(at, phase as Phase, key, 0, `${at}/${phase}/${key}`);
        }
        while (plain.pop()) {
          expect(shuffled.pop()).toBe(true);
          expect(shuffled.data).toBe(plain.data);
        }
        expect(shuffled.pop()).toBe(false);
      }),
      { seed: 20_240_607, numRuns: 100 },
    );
  });
});
