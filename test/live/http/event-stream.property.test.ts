/** Streams cut anywhere: bytes stay as they are, what passed ends with a whole event, and the end marker is seen. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventStream } from '../../../src/live/http/event-stream.ts';

const lineEnd = fc.constantFrom('\n', '\r\n');
const field = fc.constantFrom('data: {"a":1}', 'data: [DONE] ', ': ping', 'event: x', 'data: é', 'data:');
const event = fc
  .tuple(fc.array(field, { minLength: 1, maxLength: 3 }), lineEnd)
  .map(([fields, end]) => fields.map((text) => text + end).join('') + end);
const stream = fc.record({
  events: fc.array(event, { maxLength: 6 }),
  rest: fc.constantFrom('', 'data: cut', 'data: x\n'),
});

function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => (bytes.length === 0 ? 0 : cut % bytes.length)))].sort((a, b) => a - b);
  return [...places, bytes.length]
    .map((place, i, all) => bytes.subarray(all[i - 1] ?? 0, place))
    .filter((it) => it.length > 0);
}

describe('an event stream', () => {
  it('passes all bytes in order, whole events only', () => {
    const cuts = fc.array(fc.nat(), { maxLength: 40, size: 'max' });
    fc.assert(
      fc.property(stream, cuts, ({ events, rest }, places) => {
        const bytes = Buffer.from(events.join('') + rest);
        const follower = new EventStream();
        const passed: Buffer[] = [];
        const ends = new Set([0]);
        for (const text of events) ends.add(Math.max(...ends) + Buffer.byteLength(text));
        for (const piece of cutAt(bytes, places)) {
          const out = follower.push(piece);
          if (out !== undefined) passed.push(out);
          const length = passed.reduce((sum, it) => sum + it.length, 0);
          // Between CR and LF an event of CR LF lines may count as ended.
          expect(ends.has(length) || ends.has(length + 1)).toBe(true);
          expect(follower.isWhole).toBe(true);
        }
        const last = follower.flush();
        if (last !== undefined) passed.push(last);
        expect(Buffer.concat(passed).equals(bytes)).toBe(true);
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it.each([
    ['data: [DONE]\n\n', true],
    ['data: {"a":1}\n\ndata: [DONE]\n\n', true],
    ['data: [DONE]\r\n\r\n', true],
    ['data:[DONE]\n\n', true],
    ['data: [DONE]\n\n: bye\n\n', false],
    ['data: "data: [DONE]"\n\n', false],
    ['data: {"a":1}\n\n', false],
    ['', false],
  ])('of %j is done: %s', (text, isDone) => {
    for (let at = 0; at <= text.length; at++) {
      const follower = new EventStream();
      if (at > 0) follower.push(Buffer.from(text.slice(0, at)));
      if (at < text.length) follower.push(Buffer.from(text.slice(at)));
      expect(follower.isDone).toBe(isDone);
    }
  });

  it('lets an event without end pass in pieces, and says that it is open', () => {
    const follower = new EventStream();
    const piece = Buffer.alloc(700_000, 'x');
    expect(follower.push(piece)).toBeUndefined();
    expect(follower.push(piece)?.length).toBe(1_400_000);
    expect(follower.isWhole).toBe(false);
    expect(follower.push(Buffer.from('x\n\n'))?.toString()).toBe('x\n\n');
    expect(follower.isWhole).toBe(true);
  });
});
