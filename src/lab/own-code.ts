/**
 * What code of the user's own is under way in this thread, so that another thread can tell that it does not come back:
 * a policy that loops blocks every timer of its thread. Two counters of each thread lie in shared memory; the words for
 * a message stay here, where an inspector can still ask for them.
 */

/** Threads that one memory has room for; `slot` is a thread's id, those above share. */
export const SLOTS = 64;
/** Indices into the two numbers of a slot. */
export const STEPS = 0;
export const DEPTH = 1;
const NUMBERS = 2;

let counters: Int32Array = new Int32Array(NUMBERS);
/** Of the innermost call. */
let words: (() => OwnCall) | undefined;

export interface OwnCall {
  /** `policy router/mine: pick`, or the file that is being loaded. */
  readonly what: string;
  /** The call in words; undefined: it is none. */
  readonly input: string | undefined;
}

export function newOwnCodeMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(SLOTS * NUMBERS * Int32Array.BYTES_PER_ELEMENT);
}

/** The two numbers of a thread. */
export function countersOf(memory: SharedArrayBuffer, slot: number): Int32Array {
  return new Int32Array(memory, (slot % SLOTS) * NUMBERS * Int32Array.BYTES_PER_ELEMENT, NUMBERS);
}

/** From now on this thread counts there. */
export function countOwnCodeIn(memory: SharedArrayBuffer, slot: number): void {
  counters = countersOf(memory, slot);
}

/** Code of the user's own begins; answers what `leaveOwnCode` is to be given. `describe` is asked only by a message. */
export function enterOwnCode(describe: () => OwnCall): (() => OwnCall) | undefined {
  const before = words;
  words = describe;
  Atomics.add(counters, STEPS, 1);
  Atomics.add(counters, DEPTH, 1);
  return before;
}

export function leaveOwnCode(before: (() => OwnCall) | undefined): void {
  words = before;
  Atomics.add(counters, STEPS, 1);
  Atomics.sub(counters, DEPTH, 1);
}

export function ownCodeUnderWay(): OwnCall | undefined {
  return words?.();
}
