import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { TraceWorkloadConfig } from '../../src/workload/config.ts';
import { openTrace } from '../../src/workload/trace.ts';
import {
  CSV_HEADER, complaint, complaintOf, drained, handlesOn, missingPath, readTrace, traceConfig, written,
} from './trace-files.ts';

const AZURE = 'TIMESTAMP,ContextTokens,GeneratedTokens\n';
const WALL = 'a date and time like "2023-11-16 18:17:03.9799600"';
const NAMED: Partial<TraceWorkloadConfig> = {
  format: 'csv',
  columns: { arrival: 't', arrivalUnit: 'ms', prompt: 'in', output: 'out', tenant: 'who', priority: 'prio' },
};
const NAMED_HEADER = 't,in,out,who,prio\n';
const TOKENS = 'a whole number from 1 to 1000000000';
const OUTPUTS = 'a whole number from 0 to 1000000000';
const BIG_ROWS = Array.from({ length: 20_000 }, (_, i) => `${i / 8},${100 + (i % 77)},${i % 50}\n`);
const BIG_CSV = CSV_HEADER + BIG_ROWS.join('');

const json = (row: Record<string, unknown>): string =>
  `${JSON.stringify({ timestamp: 0, input_length: 600, output_length: 5, ...row })}\n`;

describe('a trace with bad input is refused in one line', () => {
  it.each<[string, string | Uint8Array, Partial<TraceWorkloadConfig>, string]>([
    ['an empty file', '', {}, 'FILE:1: no text, allowed: a trace of at least one request'],
    ['only blank lines', '\r\n\n  \n', {}, 'FILE:3: no text, allowed: a trace of at least one request'],
    ['an empty gzip file', gzipSync(''), {}, 'FILE:1: no text, allowed: a trace of at least one request'],
    ['no rows', CSV_HEADER, {}, 'FILE:1: a header and no rows, allowed: a trace of at least one request'],
    [
      'an unknown header', 'when,in,out\n1,2,3\n', {},
      'FILE:1: a header without "arrived_at_s" ("when,in,out"), allowed: a header with "arrived_at_s"',
    ],
    [
      'a column missing of Azure', 'TIMESTAMP,ContextTokens\n', { format: 'azure' },
      'FILE:1: a header without "GeneratedTokens" ("TIMESTAMP,ContextTokens"), '
        + 'allowed: a header with "GeneratedTokens"',
    ],
    [
      'a named column missing', 't,in,out,prio\n', NAMED,
      'FILE:1: a header without "who" ("t,in,out,prio"), allowed: a header with "who"',
    ],
    [
      'a column twice', 't,in,out,who,prio,in\n', NAMED,
      'FILE:1: a header with "in" twice, allowed: each column once',
    ],
    [
      'a field missing', `${CSV_HEADER}0,1,2\n1,5\n`, {},
      'FILE:3: 2 fields ("1,5"), allowed: 3 as in the header',
    ],
    [
      'a field too many', `${CSV_HEADER}0,1,2,3\n`, {},
      'FILE:2: 4 fields ("0,1,2,3"), allowed: 3 as in the header',
    ],
    [
      'a quote left open', `${CSV_HEADER}0,"1,2\n`, {},
      'FILE:2: a quote not closed on its line ("0,\\"1,2"), allowed: fields within one line',
    ],
    [
      'text after a quote', `${CSV_HEADER}0,"1"2,2\n`, {},
      'FILE:2: text after a closing quote ("0,\\"1\\"2,2"), allowed: a comma there',
    ],
    [
      'a negative time', `${CSV_HEADER}-0.5,1,2\n`, {},
      'FILE:2: arrived_at_s is "-0.5", allowed: a number from 0 to 9007199254',
    ],
    [
      'a time that is no number', `${CSV_HEADER}NaN,1,2\n`, {},
      'FILE:2: arrived_at_s is "NaN", allowed: a number from 0 to 9007199254',
    ],
    [
      'an infinite time', `${CSV_HEADER}Infinity,1,2\n`, {},
      'FILE:2: arrived_at_s is "Infinity", allowed: a number from 0 to 9007199254',
    ],
    [
      'a time beyond all bounds', `${CSV_HEADER}1e300,1,2\n`, {},
      'FILE:2: arrived_at_s is "1e300", allowed: a number from 0 to 9007199254',
    ],
    [
      'no time', `${CSV_HEADER},1,2\n`, {},
      'FILE:2: arrived_at_s is "", allowed: a number from 0 to 9007199254',
    ],
    [
      'time going back', `${CSV_HEADER}5,1,2\n4.999999,1,2\n`, {},
      'FILE:3: time goes back by 1 µs to 4999999 µs, allowed: rows in order of time',
    ],
    ['a negative prompt', `${CSV_HEADER}0,-3,2\n`, {}, `FILE:2: prompt_tokens is "-3", allowed: ${TOKENS}`],
    ['an empty prompt', `${CSV_HEADER}0,0,2\n`, {}, `FILE:2: prompt_tokens is "0", allowed: ${TOKENS}`],
    ['a broken prompt', `${CSV_HEADER}0,1.5,2\n`, {}, `FILE:2: prompt_tokens is "1.5", allowed: ${TOKENS}`],
    ['a prompt of words', `${CSV_HEADER}0,ten,2\n`, {}, `FILE:2: prompt_tokens is "ten", allowed: ${TOKENS}`],
    [
      'a hexadecimal prompt', `${CSV_HEADER}0,0x10,2\n`, {},
      `FILE:2: prompt_tokens is "0x10", allowed: ${TOKENS}`,
    ],
    [
      'a prompt beyond all bounds', `${CSV_HEADER}0,1000000001,2\n`, {},
      `FILE:2: prompt_tokens is "1000000001", allowed: ${TOKENS}`,
    ],
    ['a negative output', `${CSV_HEADER}0,1,-2\n`, {}, `FILE:2: output_tokens is "-2", allowed: ${OUTPUTS}`],
    ['a NaN output', `${CSV_HEADER}0,1,NaN\n`, {}, `FILE:2: output_tokens is "NaN", allowed: ${OUTPUTS}`],
    [
      'a broken priority', `${NAMED_HEADER}0,1,2,me,high\n`, NAMED,
      'FILE:2: prio is "high", allowed: a whole number',
    ],
    [
      'an impossible date', `${AZURE}2023-13-45 00:00:00.0,1,2\n`, {},
      `FILE:2: TIMESTAMP is "2023-13-45 00:00:00.0", allowed: ${WALL}`,
    ],
    ['a date that is none', `${AZURE}soon,1,2\n`, {}, `FILE:2: TIMESTAMP is "soon", allowed: ${WALL}`],
    [
      'Azure time going back', `${AZURE}2023-11-16 18:00:01,1,2\n2023-11-16 18:00:00,1,2\n`, {},
      'FILE:3: time goes back by 1000000 µs to -1000000 µs, allowed: rows in order of time',
    ],
    [
      'a blank line inside', `${CSV_HEADER}0,1,2\n\n1,1,2\n`, {},
      'FILE:3: a blank line before the last row, allowed: blank lines at the end',
    ],
    [
      'no JSON', `${json({})}{"timestamp": 1,\n`, {},
      'FILE:2: not JSON ("{\\"timestamp\\": 1,"), allowed: one JSON object a line',
    ],
    [
      'a byte order mark inside', `${json({})}\uFEFF${json({})}`, {},
      `FILE:2: not JSON (${JSON.stringify(`\uFEFF${json({}).trimEnd()}`)})`
        + ', allowed: one JSON object a line',
    ],
    [
      'a JSON array', `${json({})}[1]\n`, {},
      'FILE:2: JSON that is no object ([1]), allowed: one JSON object a line',
    ],
    [
      'a JSON null', 'null\n', { format: 'mooncake' },
      'FILE:1: JSON that is no object (null), allowed: one JSON object a line',
    ],
    [
      'JSON without a time', json({ timestamp: undefined }), {},
      'FILE:1: timestamp is missing, allowed: a number from 0 to 9007199254740',
    ],
    [
      'JSON with a time as text', json({ timestamp: '5' }), {},
      'FILE:1: timestamp is "5", allowed: a number from 0 to 9007199254740',
    ],
    [
      'JSON with a negative time', json({ timestamp: -1 }), {},
      'FILE:1: timestamp is -1, allowed: a number from 0 to 9007199254740',
    ],
    [
      'JSON time going back', json({ timestamp: 3 }) + json({}), {},
      'FILE:2: time goes back by 3000 µs to 0 µs, allowed: rows in order of time',
    ],
    [
      'JSON without a prompt', json({ input_length: undefined }), {},
      `FILE:1: input_length is missing, allowed: ${TOKENS}`,
    ],
    [
      'JSON with a broken output', json({ output_length: 1.5 }), {},
      `FILE:1: output_length is 1.5, allowed: ${OUTPUTS}`,
    ],
    [
      'hash ids that are no array', json({ hash_ids: 'a' }), {},
      'FILE:1: hash_ids is "a", allowed: an array of whole numbers',
    ],
    [
      'hash ids that are null', json({ hash_ids: null }), {},
      'FILE:1: hash_ids is null, allowed: an array of whole numbers',
    ],
    [
      'too few hash ids', json({ hash_ids: [1] }), {},
      'FILE:1: hash_ids has 1 ids for 600 tokens, allowed: 2, one for each 512 tokens begun',
    ],
    [
      'too many hash ids', json({ hash_ids: [1, 2, 3] }), {},
      'FILE:1: hash_ids has 3 ids for 600 tokens, allowed: 2, one for each 512 tokens begun',
    ],
    [
      'a broken hash id', json({ hash_ids: [1, 2.5] }), {},
      'FILE:1: hash_ids has 2.5, allowed: whole numbers from 0 to 9007199254740991',
    ],
    [
      'a hash id as text', json({ hash_ids: [1, '2'] }), {},
      'FILE:1: hash_ids has "2", allowed: whole numbers from 0 to 9007199254740991',
    ],
    [
      'a hash id no double holds', json({}).replace('}', ',"hash_ids":[1,9007199254740993]}'), {},
      'FILE:1: hash_ids has 9007199254740992, allowed: whole numbers from 0 to 9007199254740991',
    ],
    [
      'bytes that are not UTF-8', Buffer.from(`${CSV_HEADER}0,1,2\n1,\xff,2\n`, 'latin1'), {},
      'FILE:3: bytes that are not UTF-8, allowed: UTF-8 text, gzipped or not',
    ],
    [
      'UTF-16', Buffer.from(`\uFEFF${CSV_HEADER}`, 'utf16le'), {},
      'FILE:1: bytes that are not UTF-8, allowed: UTF-8 text, gzipped or not',
    ],
    [
      'a long value', `${CSV_HEADER}0,${'9'.repeat(500)},2\n`, {},
      `FILE:2: prompt_tokens is "${'9'.repeat(79)}…, allowed: ${TOKENS}`,
    ],
  ])('%s', async (_, content, over, message) => {
    const path = written(content);
    expect(await complaintOf(path, over)).toBe(message);
    expect(await complaintOf(path, over, 1)).toBe(message);
    expect(handlesOn(path)).toBe(0);
  });

  it('a missing file', async () => {
    expect(await complaintOf(missingPath())).toBe('FILE: no such file, allowed: a readable trace file');
  });

  it('a directory', async () => {
    const path = dirname(missingPath());
    expect(await complaintOf(path)).toBe('FILE: a directory, allowed: a trace file');
    expect(handlesOn(path)).toBe(0);
  });

  it('names the file and the line in its fields too', async () => {
    const path = written(`${CSV_HEADER}0,0,1\n`);
    await expect(openTrace(traceConfig(path))).rejects.toMatchObject({ name: 'TraceError', path, line: 2 });
  });

  it('a line of more than 16 MiB, ended or not, gzipped or not', async () => {
    const most = `${CSV_HEADER}${' '.repeat(16 * 1024 * 1024 - 5)}0,1,2\n`;
    const message = 'FILE:2: a line of more than 16777216 bytes, allowed: lines of at most 16 MiB';
    const over = most.replace('0,1,2', '0,1,22');
    expect(await complaint(most)).toBe('');
    for (const content of [over, over.trimEnd(), gzipSync(over), gzipSync(over.repeat(3))]) {
      expect(await complaint(content, {}, 1 << 20)).toBe(message);
    }
  }, 30_000);
});

describe('a damaged gzip file is refused', () => {
  const text = BIG_CSV.slice(0, BIG_CSV.indexOf('\n250,') + 1);
  const packed = gzipSync(text);
  const allowed = 'allowed: a whole gzip file with nothing after it';
  const flipped = Buffer.from(packed);
  flipped[packed.length - 6] = (flipped[packed.length - 6] as number) ^ 0xff;
  const garbled = Buffer.from(packed).fill(0xa5, packed.length >> 1, (packed.length >> 1) + 64);

  it.each<[string, Buffer, RegExp]>([
    [
      'cut in its middle', packed.subarray(0, packed.length >> 1),
      /gzip data cut short \(unexpected end of file\)/,
    ],
    ['without its last byte', packed.subarray(0, -1), /gzip data cut short/],
    ['of two bytes', packed.subarray(0, 2), /gzip data cut short/],
    ['of its header alone', packed.subarray(0, 10), /gzip data cut short/],
    ['with another checksum', flipped, /damaged gzip data \(incorrect data check\)/],
    [
      'garbled inside', garbled,
      /(damaged gzip data|bytes that are not UTF-8|fields|prompt_tokens|output_tokens|time)/,
    ],
    [
      'of an unknown method', Buffer.from([0x1f, 0x8b, 7, 0, 0, 0, 0, 0, 0, 0, 1]),
      /damaged gzip data \(unknown compression method\)/,
    ],
    ['with text after it', Buffer.concat([packed, Buffer.from('trailing')]), /damaged gzip data/],
    [
      'with one byte after it', Buffer.concat([packed, Buffer.from('x')]),
      /gzip data cut short|damaged gzip data/,
    ],
    [
      'with text after padding', Buffer.concat([packed, Buffer.alloc(600), Buffer.from('x')]),
      /other bytes after its end/,
    ],
    ['with half a member after it', Buffer.concat([packed, packed.subarray(0, 30)]), /gzip data cut short/],
  ])('%s', async (_, content, message) => {
    const path = written(content);
    for (const chunkBytes of [undefined, 1000, 7, 1 << 20]) {
      const said = await complaintOf(path, {}, chunkBytes);
      expect(said).toMatch(message);
      expect(said).toMatch(/^FILE:\d+: .*, allowed: /);
      if (/gzip/.test(said)) expect(said).toContain(allowed);
      expect(handlesOn(path)).toBe(0);
    }
  });

  it.each<[string, Buffer]>([
    ['padded with zeros', Buffer.concat([packed, Buffer.alloc(5000)])],
    [
      'of several members',
      Buffer.concat([gzipSync(text.slice(0, 5001)), gzipSync(''), gzipSync(text.slice(5001))]),
    ],
  ])('unless it is only %s', async (_, content) => {
    const plain = await readTrace(written(text));
    expect(plain).toHaveLength(2000);
    for (const chunkBytes of [undefined, 1000, 1]) {
      expect(await readTrace(written(content), {}, chunkBytes)).toEqual(plain);
    }
  });
});

describe('after an error', () => {
  it('every refill rejects with it and nothing can be taken', async () => {
    const path = written(BIG_CSV + 'x,1,1\n');
    const trace = await openTrace(traceConfig(path));
    await expect(drained(trace)).rejects.toThrow('arrived_at_s is "x"');
    await expect(trace.refill()).rejects.toThrow('arrived_at_s is "x"');
    expect([trace.starved(), trace.ended(), trace.nextAt()]).toEqual([true, false, Infinity]);
    expect(handlesOn(path)).toBe(0);
    await trace.close();
    expect(trace.ended()).toBe(true);
  });

  it('two refills at once reject alike', async () => {
    const trace = await openTrace(traceConfig(written(BIG_CSV + 'x,1,1\n')));
    while (trace.nextAt() < 2400e6) {
      while (!trace.starved()) trace.take();
      const both = await Promise.allSettled([trace.refill(), trace.refill()]);
      if (both[0].status === 'rejected') {
        expect(both[1]).toEqual(both[0]);
        return;
      }
    }
    expect.unreachable('the bad row was never met');
  });

  it('rows before the limit of requests are read though a later row is bad', async () => {
    const content = `${CSV_HEADER}0,1,2\n1,1,2\nbad,row\n`;
    for (const chunkBytes of [1, 30, 1000]) {
      expect(await readTrace(written(content), { requests: 2 }, chunkBytes)).toHaveLength(2);
      expect(await complaint(content, { requests: 3 }, chunkBytes)).toMatch(/^FILE:4: 2 fields/);
    }
  });
});
