/**
 * Follows a stream of server-sent events on its way through. Bytes are not changed; an event that is not whole yet is
 * held back, so that a stream that breaks has ended with a whole event, and an error can follow it. Whoever sends whole
 * events, as engines do, sees nothing held back.
 */

const LF = 10;
const CR = 13;
/** An event larger than this passes in pieces, and a break in its midst cannot be told apart from it any more. */
const HELD_MAX = 1 << 20;
/** Bytes that the end marker and its line ends take, and some. */
const MARKER_BYTES = 32;
const DONE = /(?:^|[\r\n])data: ?\[DONE\][\r\n]+$/;

export class EventStream {
  #held: Buffer | undefined;
  #last: Buffer | undefined;
  /** Nothing was passed on in the midst of an event. */
  isWhole = true;

  /** What may pass now; undefined while the event is open. */
  push(chunk: Buffer): Buffer | undefined {
    const before = this.#held?.length ?? 0;
    const bytes = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    const end = lastBoundary(bytes, before);
    if (end === 0 && bytes.length <= HELD_MAX) {
      this.#held = bytes;
      return undefined;
    }
    const isWhole = end > 0;
    const passed = isWhole ? bytes.subarray(0, end) : bytes;
    this.isWhole = isWhole;
    this.#held = passed.length === bytes.length ? undefined : bytes.subarray(end);
    this.#last = passed;
    return passed;
  }

  /** What is held back when the stream ends well. */
  flush(): Buffer | undefined {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#last = held;
    return held;
  }

  /** The last event that passed was the end marker of OpenAI's streams. */
  get isDone(): boolean {
    return this.#last !== undefined && DONE.test(this.#last.subarray(-MARKER_BYTES).toString('latin1'));
  }
}

/** Where the last whole event of `bytes` ends; 0 when none does at or after `from`. */
function lastBoundary(bytes: Buffer, from: number): number {
  for (let i = bytes.length - 1; i >= from; i--) {
    const byte = bytes[i];
    if (byte !== LF && byte !== CR) continue;
    // A line end that follows a line end; CR LF is one.
    const before = byte === LF && bytes[i - 1] === CR ? i - 2 : i - 1;
    if (bytes[before] === LF || bytes[before] === CR) return i + 1;
  }
  return 0;
}
