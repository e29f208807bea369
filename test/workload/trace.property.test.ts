import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { complaintOf, readTrace, written } from './trace-files.ts';

const COLUMNS = {
  arrival: 't', arrivalUnit: 'us', prompt: 'in', output: 'out', tenant: 'who', priority: 'prio',
} as const;

const row = fc.record({
  gap: fc.integer({ min: 0, max: 1e9 }),
  promptTokens: fc.integer({ min: 1, max: 1e9 }),
  outputTokens: fc.integer({ min: 0, max: 1e9 }),
  tenant: fc.string({ unit: 'grapheme', maxLength: 6 }).filter((s) => !/[\r\n]/.test(s)),
  priority: fc.integer(),
});
const layout = fc.record({ bom: fc.boolean(), crlf: fc.boolean(), lastEnd: fc.boolean(), blank: fc.nat({ max: 3 }) });
const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

describe('reading a trace', () => {
  it('gives back what was written, however the bytes are cut into blocks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 12, size: 'max' }), layout, fc.integer({ min: 1, max: 80 }),
        async (rows, { bom, crlf, lastEnd, blank }, chunkBytes) => {
          let at = 0;
          const lines = rows.map((x) =>
            [(at += x.gap), x.promptTokens, x.outputTokens, x.priority, quoted(x.tenant)].join());
          const end = crlf ? '\r\n' : '\n';
          const text = ['"t",in,out,prio,who', ...lines].join(end) + (lastEnd ? end.repeat(1 + blank) : '');
          const bytes = Buffer.from((bom ? '\uFEFF' : '') + text);
          at = 0;
          const expected = rows.map((x) => [
            (at += x.gap), x.promptTokens, x.outputTokens, x.tenant.trim() || 'default', x.priority,
          ]);
          for (const content of [bytes, gzipSync(bytes)]) {
            const got = await readTrace(written(content), { columns: COLUMNS }, chunkBytes);
            expect(got.map((x) => [x.at, x.promptTokens, x.outputTokens, x.tenant, x.priority])).toEqual(expected);
          }
        },
      ),
      { seed: 3, numRuns: 150 },
    );
  }, 60_000);

  it('is the same at every block size from one byte to the whole file', async () => {
    const text = '\uFEFFt,in,who,out,prio\r\n1,2,"Ünï, 🙂",3,4\r\n5,6,𝔘𝔫𝔦,7,8\r\n9,10,"""",11,12';
    const whole = await readTrace(written(text), { columns: COLUMNS });
    expect(whole.map((x) => x.tenant)).toEqual(['Ünï, 🙂', '𝔘𝔫𝔦', '"']);
    const size = Buffer.byteLength(text);
    const [plain, packed] = [written(text), written(gzipSync(text))];
    for (let chunkBytes = 1; chunkBytes <= size; chunkBytes++) {
      expect(await readTrace(plain, { columns: COLUMNS }, chunkBytes)).toEqual(whole);
      expect(await readTrace(packed, { columns: COLUMNS }, chunkBytes)).toEqual(whole);
    }
  });

  it('ends in arrivals or in one TraceError, whatever the bytes', async () => {
    const piece = fc.constantFrom(
      'arrived_at_s,prompt_tokens,output_tokens\n', 'TIMESTAMP,ContextTokens,GeneratedTokens\n', '0,1,2\n', '3,', '"',
      '2023-11-16 18:17:03.97,5,5\n', '{"timestamp":1,"input_length":2,"output_length":3}\n',
      '{', '\r\n', '\n', ',', '-1',
    ).map((s) => Buffer.from(s));
    const bytes = fc.uint8Array({ maxLength: 12, size: 'max' }).map((b) => Buffer.from(b));
    const content = fc.array(fc.oneof({ weight: 6, arbitrary: piece }, bytes), { maxLength: 10, size: 'max' });
    await fc.assert(
      fc.asyncProperty(content, fc.constantFrom('none', 'gzip', 'cut'), fc.integer({ min: 1, max: 40 }),
        async (pieces, packing, chunkBytes) => {
          const plain = Buffer.concat(pieces);
          const packed = packing === 'none' ? plain : gzipSync(plain);
          const path = written(packing === 'cut' ? packed.subarray(0, -3) : packed);
          const said = await complaintOf(path, {}, chunkBytes);
          expect(said).toMatch(/^$|^FILE:\d+: .+, allowed: .+$/);
          // Where gzip data ends decides how many rows come before its error.
          if (packing !== 'cut') expect(await complaintOf(path)).toBe(said);
          else expect(said).not.toBe('');
        }),
      { seed: 5, numRuns: 400 },
    );
  }, 60_000);
});
