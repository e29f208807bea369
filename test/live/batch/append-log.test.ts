/** The log that survives its process: torn ends, failed writes, lines gathered while the disk is busy. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppendLog, type LogFile, openLog } from '../../../src/live/batch/append-log.ts';
import type { BatchError } from '../../../src/live/batch/batch-error.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-log-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const fails = (error: BatchError): void => {
  throw error;
};

async function linesOf(path: string): Promise<string[]> {
  const lines: string[] = [];
  const log = await AppendLog.open(path, (text) => lines.push(text) > 0 && text.startsWith('{'), fails);
  await log.close();
  return lines;
}

describe('a log', () => {
  it('has every line that was appended, in order', async () => {
    const path = join(folder, 'all');
    const log = await AppendLog.open(path, () => true, fails);
    for (let i = 0; i < 100; i++) {
      log.append(`{"i":${i}}`);
      if (i % 10 === 0) await log.flush();
    }
    expect(log.pendingChars).toBeGreaterThan(0);
    await log.close();
    expect(log.pendingChars).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe(Array.from({ length: 100 }, (_, i) => `{"i":${i}}\n`).join(''));
  });

  it('keeps the whole lines of a file cut at any byte', async () => {
    const path = join(folder, 'cut');
    const line = fc.string({ unit: 'grapheme', maxLength: 30, size: 'max' }).map((text) => JSON.stringify({ text }));
    const cut = fc.tuple(fc.array(line, { minLength: 1, maxLength: 8 }), fc.nat());
    const property = fc.asyncProperty(cut, async ([lines, at]) => {
      const bytes = Buffer.from(`${lines.join('\n')}\n`);
      const kept = at % (bytes.length + 1);
      writeFileSync(path, bytes.subarray(0, kept));
      const whole: string[] = [];
      const ours = (text: string): boolean => whole.push(text) > 0;
      const log = await AppendLog.open(path, ours, fails);
      log.append('{"more":1}');
      await log.close();
      const expected = [...lines.slice(0, whole.length), '{"more":1}'];
      expect(readFileSync(path, 'utf8')).toBe(`${expected.join('\n')}\n`);
      const next = lines[whole.length];
      const upToNext = Buffer.byteLength(`${lines.slice(0, whole.length + 1).join('\n')}\n`);
      if (next !== undefined) expect(kept).toBeLessThan(upToNext);
    });
    await fc.assert(property, { numRuns: 60, seed: 7 });
  });

  it('cuts a last line that is none of ours, and refuses one in the midst', async () => {
    const path = join(folder, 'odd');
    writeFileSync(path, '{}\nodd\n');
    expect(await linesOf(path)).toEqual(['{}', 'odd']);
    expect(readFileSync(path, 'utf8')).toBe('{}\n');
    writeFileSync(path, '{}\nodd\n{}\n');
    await expect(linesOf(path)).rejects.toThrow(`${path}:2: no line of a batch; allowed a file that batch wrote`);
  });

  it('gathers lines into one write while the disk is busy', async () => {
    const writes: number[] = [];
    const slow = async (path: string): Promise<LogFile> => {
      const file = await openLog(path);
      const datasync = file.datasync.bind(file);
      const write = file.write.bind(file);
      return Object.assign(file, {
        write: ((data: Buffer, offset: number) => {
          writes.push(data.length);
          return write(data, offset);
        }) as typeof file.write,
        datasync: async () => {
          await new Promise((resolve) => setTimeout(resolve, 20));
          return datasync();
        },
      });
    };
    const log = await AppendLog.open(join(folder, 'slow'), () => true, fails, slow);
    log.append('first');
    await new Promise((resolve) => setTimeout(resolve, 5));
    for (let i = 0; i < 50; i++) log.append('x');
    await log.close();
    expect(writes).toEqual([6, 100]);
  });

  it('says what a disk says', async () => {
    await expect(AppendLog.open(folder, () => true, fails)).rejects.toThrow('it is a folder');
    await expect(AppendLog.open('/dev/null', () => true, fails)).rejects.toThrow('is no plain file');
    await expect(AppendLog.open(join(folder, 'no', 'x'), () => true, fails)).rejects.toThrow('no such file');
  });
});
