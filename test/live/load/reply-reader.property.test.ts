/** What a client makes of a reply, however its bytes are cut; and the text that stands for a prompt. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { promptText } from '../../../src/live/load/prompt-text.ts';
import { type ReplyFacts, ReplyReader } from '../../../src/live/load/reply-reader.ts';
import type { Arrival } from '../../../src/workload/arrival.ts';

function factsOf(isStream: boolean, pieces: readonly Buffer[]): ReplyFacts {
  let heard = 0;
  const reader = new ReplyReader(isStream, () => heard++);
  for (const piece of pieces) reader.push(piece);
  const facts = reader.end();
  expect(heard).toBe(facts.pieces);
  return facts;
}

const EVENTS = [
  'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}',
  ': a comment',
  'data: {"choices":[{"delta":{"content":"h\u00e9"}}]}',
  'event: x\ndata:{"choices":[{"text":"\u{1f600}"}]}',
  'data: {"choices":[{"delta":{"reasoning_content":"r"}}]}',
  'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":4}}}',
  'data: [DONE]',
];
const WHOLE: ReplyFacts = {
  ...{ isWhole: true, isError: false, pieces: 3, promptTokens: 7, outputTokens: 3, cachedTokens: 4 },
};

describe('a stream', () => {
  it('is the same wherever it is cut, with any line ends', () => {
    const end = fc.constantFrom('\n', '\r\n', '\r');
    const cuts = fc.array(fc.nat(), { maxLength: 12, size: 'max' });
    const property = fc.property(end, cuts, (lineEnd, places) => {
      const bytes = Buffer.from(EVENTS.map((event) => `${event}\n\n`).join('').replaceAll('\n', lineEnd));
      const at = [0, ...places.map((place) => place % bytes.length).sort((a, b) => a - b), bytes.length];
      const pieces = at.slice(1).map((to, i) => bytes.subarray(at[i], to));
      expect(factsOf(true, pieces)).toEqual(WHOLE);
    });
    fc.assert(property, { numRuns: 300, seed: 3 });
  });

  it('is not whole without its end marker, or with an error in it', () => {
    const bytes = (events: readonly string[]): Buffer[] => {
      return [Buffer.from(events.map((event) => `${event}\n\n`).join(''))];
    };
    expect(factsOf(true, bytes(EVENTS.slice(0, -1))).isWhole).toBe(false);
    const broken = [...EVENTS.slice(0, 3), 'data: {"error":{"code":"upstream_failed"}}'];
    expect(factsOf(true, bytes(broken))).toMatchObject({ isWhole: false, isError: true, outputTokens: -1 });
    expect(factsOf(true, bytes([...broken, 'data: [DONE]'])).isWhole).toBe(false);
  });
});

describe('a whole reply', () => {
  it('is JSON that is no error', () => {
    const facts = (text: string): ReplyFacts => factsOf(false, [Buffer.from(text)]);
    expect(facts('{"usage":{"prompt_tokens":2,"completion_tokens":1}}')).toMatchObject({
      ...{ isWhole: true, promptTokens: 2, outputTokens: 1, cachedTokens: -1, pieces: 0 },
    });
    expect(facts('{"error":{}}').isWhole).toBe(false);
    expect(facts('{"a":').isWhole).toBe(false);
    expect(facts('').isWhole).toBe(false);
  });
});

describe('the text of a prompt', () => {
  function arrival(promptTokens: number, hashIds: readonly number[]): Arrival {
    const fixed = { at: 0, outputTokens: 1, maxOutputTokens: 1, tenant: '', priority: 0, routingKey: '', user: -1 };
    return { ...fixed, promptTokens, hashIds, hashBlockTokens: 16 };
  }

  it('has four bytes a token, and shares what the blocks share', () => {
    const ids = fc.array(fc.nat({ max: 5 }), { maxLength: 6, size: 'max' });
    const property = fc.property(fc.integer({ min: 1, max: 200 }), ids, ids, (tokens, one, two) => {
      const [a, b] = [promptText(arrival(tokens, one), 1), promptText(arrival(tokens, two), 2)];
      expect([a.length, b.length]).toEqual([tokens * 4, tokens * 4]);
      const differs = one.findIndex((id, i) => id !== two[i]);
      const shared = (differs < 0 ? one.length : differs) * 64;
      expect(a.slice(0, shared)).toBe(b.slice(0, shared));
      if (shared + 64 < a.length) expect(a.slice(shared, shared + 64)).not.toBe(b.slice(shared, shared + 64));
      expect(promptText(arrival(tokens, one), 1)).toBe(a);
    });
    fc.assert(property, { numRuns: 300, seed: 5 });
  });
});
