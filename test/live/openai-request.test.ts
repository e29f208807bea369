/** What is read of a request, and what of it policies are told. */
import { describe, expect, it } from 'vitest';
import { readOpenAiRequest } from '../../src/live/openai-request.ts';
import { LiveRequest } from '../../src/live/proxy/live-request.ts';
import type { Exchange } from '../../src/live/proxy/exchange.ts';

function read(body: unknown) {
  return readOpenAiRequest(Buffer.from(JSON.stringify(body)));
}

describe('a request', () => {
  it.each([
    [
      {
        messages: [
          { role: 'user', content: 'a' },
          { role: 'assistant', content: [{ type: 'text', text: 'b' }, {}] },
        ],
      },
      ['user', 'a', 'assistant', 'b'],
    ],
    [{ prompt: 'a' }, ['a']],
    [{ prompt: ['a', 'b'] }, ['a', 'b']],
    [{ input: [{ role: 'user', content: 'a' }], instructions: 'i' }, ['i', 'user', 'a']],
    [{ messages: 'no list', prompt: 7, input: null }, []],
  ])('%j has the texts %j', (body, texts) => expect(read(body)).toMatchObject({ texts, tokenIds: 0 }));

  it.each([
    [{ prompt: [1, 2, 3] }, 3],
    [{ input: [[1, 2], [3]] }, 3],
  ])('%j has %i token ids', (body, tokenIds) => expect(read(body)).toMatchObject({ tokenIds }));

  it.each([
    [{ max_tokens: 5 }, 5],
    [{ max_tokens: 5, max_completion_tokens: 6 }, 6],
    [{ max_output_tokens: 7 }, 7],
    [{ max_tokens: 1.5 }, -1],
    [{ max_tokens: '5' }, -1],
    [{}, -1],
  ])('%j asks for %i tokens', (body, maxOutputTokens) => expect(read(body)).toMatchObject({ maxOutputTokens }));

  it.each([
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'not UTF-8'],
    [Buffer.from('{'), 'not JSON'],
    [Buffer.from('null'), 'not a JSON object'],
    [Buffer.from('"x"'), 'not a JSON object'],
    [Buffer.from('{"stream":1}'), 'stream is not'],
  ])('%j is none', (body, problem) => {
    expect(readOpenAiRequest(body)).toMatchObject({ problem: expect.stringContaining(problem) as string });
  });
});

describe('what policies are told of a prompt', () => {
  const rules = { bytes_per_token: 4, output_tokens: 9, block_tokens: 2, blocks: 3 };
  const told = (texts: readonly string[], hashKey = Buffer.alloc(32)): LiveRequest => {
    const asked = { model: '', stream: false, includeUsage: false, maxOutputTokens: -1, texts, tokenIds: 1 };
    const init = { id: 0, exchange: {} as Exchange, tenant: 't', priority: 0, routingKey: '', targetWorker: '' };
    return new LiveRequest({ ...init, asked, rules, hashKey });
  };

  it('is its length in bytes, and the output it may have', () => {
    expect(told(['abcd', 'é'])).toMatchObject({ promptTokens: 1 + 2, maxOutputTokens: 9, blockTokens: 2 });
  });

  it('is one id a block of its front: equal for equal fronts, different after the first difference', () => {
    const [a, b, c] = [told(['12345678abcdefgh']), told(['12345678abcdefgH', 'more']), told(['x2345678abcdefgh'])];
    expect(a.blockHashes).toHaveLength(3);
    expect(told(['1'.repeat(1000)]).blockHashes).toHaveLength(3);
    expect(a.blockHashes[0]).toBe(b.blockHashes[0]);
    expect(a.blockHashes[1]).not.toBe(b.blockHashes[1]);
    expect(a.blockHashes[1]).not.toBe(c.blockHashes[1]);
    expect(a.prefixKey).toBe(a.blockHashes[0]);
    expect(a.blockHashes.every((id) => Number.isSafeInteger(id) && id > 0)).toBe(true);
  });

  it('cannot be tried out without the key, and is forgotten', () => {
    expect(told(['12345678']).prefixKey).not.toBe(told(['12345678'], Buffer.alloc(32, 1)).prefixKey);
    expect(told(['ab', 'c']).prefixKey).not.toBe(told(['a', 'bc']).prefixKey);
    expect(told([]).prefixKey).toBe(0);
    const request = told(['12345678']);
    request.forget();
    expect(request.blockHashes).toEqual([]);
  });
});
