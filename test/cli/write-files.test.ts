import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/cli/usage-error.ts';
import { LineFile, writeWhole } from '../../src/cli/write-files.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-write-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('a file written whole', () => {
  it('replaces what was there and leaves no temporary name', () => {
    const path = join(folder, 'a.txt');
    writeFileSync(path, 'old and longer');
    writeWhole(path, 'new');
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(readdirSync(folder)).toEqual(['a.txt']);
  });

  it('is refused with one message when the folder is not there', () => {
    expect(() => writeWhole(join(folder, 'no', 'a.txt'), 'x')).toThrow(UsageError);
    expect(() => writeWhole(join(folder, 'no', 'a.txt'), 'x')).toThrow(/^cannot write .*a\.txt: ENOENT$/);
  });
});

describe('a file of lines', () => {
  it('holds whole lines at any moment, and all of them in the end', () => {
    const line = fc.string({ maxLength: 30_000, size: 'max' }).map((text) => text.replaceAll('\n', ' '));
    const lines = fc.array(line, { maxLength: 12 });
    fc.assert(
      fc.property(lines, (written) => {
        const path = join(folder, 'lines');
        const file = new LineFile(path);
        for (const line of written) {
          file.write(line);
          expect(readFileSync(`${path}.part`, 'utf8')).toMatch(/(^|\n)$/);
        }
        file.finish();
        file.discard();
        expect(readFileSync(path, 'utf8')).toBe(written.map((line) => `${line}\n`).join(''));
      }),
      { seed: 42, numRuns: 40 },
    );
  });

  it('is gone when discarded', () => {
    const file = new LineFile(join(folder, 'gone'));
    file.write('x');
    file.discard();
    expect(readdirSync(folder).filter((name) => name.startsWith('gone'))).toEqual([]);
  });
});
