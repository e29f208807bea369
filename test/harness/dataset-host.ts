/**
 * A host for the dataset core with nothing but a clock, like the event loop that recorded upstream's runs: wake-ups are
 * rounded up to 2^-20 s, and timers of one instant fire in the order that Python's heapq leaves them in, which is
 * neither first in first out nor the reverse. What stopped waiting stays in the heap until it comes to the top. Times
 * are microseconds.
 */
import type { Micros } from '../../policies/types.ts';
import type { DatasetCore } from '../../src/dataset/dataset-core.ts';
import type { DatasetEffect } from '../../src/dataset/types.ts';

const TICKS_PER_SEC = 2 ** 20;
const US_PER_SEC = 1e6;

/** The next multiple of 2^-20 s, in microseconds. */
export function roundedUp(at: Micros): Micros {
  return (Math.ceil((at / US_PER_SEC) * TICKS_PER_SEC) / TICKS_PER_SEC) * US_PER_SEC;
}

interface Timer {
  readonly at: Micros;
  readonly live: () => boolean;
  readonly run: () => void;
}

const ALWAYS = () => true;

export class DatasetHost {
  readonly core: DatasetCore;
  readonly #perform: (effect: DatasetEffect) => void;
  readonly #entered: () => void;
  readonly #heap: Timer[] = [];
  readonly #soon: (() => void)[] = [];
  now: Micros = 0;
  steps = 0;

  /** `entered`: after each input, when its effects are performed. */
  constructor(core: DatasetCore, perform: (effect: DatasetEffect) => void, entered: () => void) {
    this.core = core;
    this.#perform = perform;
    this.#entered = entered;
  }

  /** Enters the core after `delayUs`, unless `live` says no by then. */
  after(delayUs: Micros, run: () => void, live = ALWAYS): void {
    if (delayUs <= 0) this.#soon.push(run);
    else pushToHeap(this.#heap, { at: this.now + delayUs, live, run });
  }

  begin(): void {
    this.core.begin(this.now);
    this.#drain();
  }

  /** The next instant at which something is due: first the timers of that instant, then the core. */
  run(stepsMax = 1e6): void {
    for (;;) {
      while (this.#heap[0]?.live() === false) popFromHeap(this.#heap);
      const at = roundedUp(Math.min(this.#heap[0]?.at ?? Infinity, this.core.nextWakeAt()));
      if (at === Infinity) return;
      this.now = Math.max(this.now, at);
      const due: Timer[] = [];
      for (let first = this.#heap[0]; first !== undefined && first.at <= this.now; first = this.#heap[0]) {
        popFromHeap(this.#heap);
        due.push(first);
      }
      for (const timer of due) {
        if (timer.live()) timer.run();
        this.#drain();
      }
      while (this.core.nextWakeAt() <= this.now) {
        if (this.steps++ > stepsMax) throw new Error(`no end after ${stepsMax} steps`);
        this.core.wake(this.now);
        this.#drain();
      }
    }
  }

  #drain(): void {
    for (;;) {
      for (let effect = this.core.take(); effect !== undefined; effect = this.core.take()) this.#perform(effect);
      this.#entered();
      const soon = this.#soon.shift();
      if (soon === undefined) break;
      soon();
    }
    this.core.checkInvariants();
  }
}

function pushToHeap(heap: Timer[], timer: Timer): void {
  heap.push(timer);
  rise(heap, heap.length - 1);
}

/** As heapq: the smaller child is drawn up to the bottom, then the last leaf rises from there. */
function popFromHeap(heap: Timer[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let place = 0;
  for (let child = 1; child < heap.length; child = 2 * place + 1) {
    const right = heap[child + 1];
    if (right !== undefined && !((heap[child] as Timer).at < right.at)) child++;
    heap[place] = heap[child] as Timer;
    place = child;
  }
  heap[place] = last;
  rise(heap, place);
}

function rise(heap: Timer[], from: number): void {
  let place = from;
  const timer = heap[place] as Timer;
  while (place > 0) {
    const parent = heap[(place - 1) >> 1] as Timer;
    if (!(timer.at < parent.at)) break;
    heap[place] = parent;
    place = (place - 1) >> 1;
  }
  heap[place] = timer;
}
