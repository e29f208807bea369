import { describe, expect, it } from 'vitest';
import { LineReader } from '../../src/workload/line-reader.ts';

const MIB = 1024 * 1024;

describe('LineReader', () => {
  it('gives up an endless line after 16 MiB instead of holding it', async () => {
    const block = Buffer.alloc(MIB, 'x');
    let blocks = 0;
    const endless = {
      path: 'endless',
      next: () => Promise.resolve(++blocks < 100 ? block : undefined),
      close: () => Promise.resolve(),
    };
    await expect(new LineReader(endless).more()).rejects.toThrow('endless:1: a line of more than 16777216 bytes');
    expect(blocks).toBe(17);
  });
});
