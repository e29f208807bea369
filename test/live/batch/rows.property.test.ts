/** How rows are found and read: the text of a member, the place of an id, the lines of a file. */
import { mkdtempSync, promises, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdIndex, printOf } from '../../../src/live/batch/id-index.ts';
import { memberText } from '../../../src/live/batch/input-line.ts';
import { LongLine, scanLines } from '../../../src/live/batch/line-scan.ts';

describe('the text of a member', () => {
  it('is the text that parses to its value, wherever it stands', () => {
    const object = fc.dictionary(fc.string({ size: 'max', maxLength: 8 }), fc.jsonValue(), { maxKeys: 5 });
    const indent = fc.constantFrom(undefined, ' ', '\t');
    const property = fc.property(object, fc.jsonValue(), fc.nat(), indent, (others, value, at, space) => {
      const entries = Object.entries(others).filter(([name]) => name !== 'body');
      entries.splice(at % (entries.length + 1), 0, ['body', value]);
      const text = JSON.stringify(Object.fromEntries(entries), undefined, space);
      expect(JSON.parse(memberText(text, 'body'))).toEqual(JSON.parse(JSON.stringify(value)));
    });
    fc.assert(property, { numRuns: 500, seed: 11 });
  });

  it('is that of the last of several, and of a name that is spelled with escapes', () => {
    expect(memberText('{"a":1,"b":{"a":2},"a": [3, 4] }', 'a')).toBe('[3, 4]');
    expect(memberText('{"\\u0061":12345678901234567890}', 'a')).toBe('12345678901234567890');
  });
});

describe('the index of ids', () => {
  it('finds every row it was given, and none else', () => {
    const index = new IdIndex();
    for (let row = 0; row < 5000; row++) index.add(printOf(`id-${row}`));
    for (let row = 0; row < 5000; row++) expect([...index.candidates(printOf(`id-${row}`))]).toEqual([row]);
    for (let row = 5000; row < 10_000; row++) expect([...index.candidates(printOf(`id-${row}`))]).toEqual([]);
  });

  it('offers all rows whose ids look alike', () => {
    const index = new IdIndex();
    for (let row = 0; row < 3; row++) index.add({ high: 1, low: 2 });
    index.add({ high: 2, low: 2 });
    expect([...index.candidates({ high: 1, low: 2 })]).toEqual([0, 1, 2]);
  });
});

describe('the lines of a file', () => {
  it('are those between its line ends, with their places', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spillway-lines-'));
    const path = join(folder, 'lines');
    const long = 'x'.repeat(1 << 19);
    const text = ['a', '', long, 'b', long, long, long, '\u{1f600}', 'end'].join('\n');
    writeFileSync(path, text);
    const file = await promises.open(path);
    const lines: string[] = [];
    for await (const { bytes, at, number, isEnded } of scanLines(file, 1 << 20)) {
      lines.push(bytes.toString());
      expect([number, isEnded]).toEqual([lines.length, lines.length < 9]);
      expect(Buffer.from(text).subarray(at, at + bytes.length).equals(bytes)).toBe(true);
    }
    expect(lines.join('\n')).toBe(text);
    const tooLong = (async () => {
      for await (const line of scanLines(file, 1000)) if (line.number > 9) break;
    })();
    await expect(tooLong).rejects.toThrow(LongLine);
    await file.close();
    rmSync(folder, { recursive: true });
  });
});
