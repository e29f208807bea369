import { describe, expect, it } from 'vitest';
import { renderTable } from '../../src/report/table.ts';
import { richResult } from '../results/samples.ts';

const HUGE = { workers: [], simulatedUs: 1e15, digest: 'ffffffffffffffff' };

function variants(count: number, name = 'variant'): ReturnType<typeof richResult>[] {
  return Array.from({ length: count }, (_, index) => richResult({ ...HUGE, variant: `${name}-${index}` }));
}

function widest(text: string): number {
  return Math.max(...text.split('\n').map((line) => line.length));
}

describe('renderTable', () => {
  it.each([1, 2, 3, 4, 7])('fits 80 columns with %d variants', (count) => {
    for (const name of ['v', 'a-variant-with-a-very-long-name-that-cannot-fit-however-wide-its-only-column-is']) {
      const text = renderTable(variants(count, name), { width: 80 });
      expect(widest(text)).toBeLessThanOrEqual(80);
      expect(text.match(/ffffffffffffffff/g)).toHaveLength(count);
    }
  });

  it.each([40, 60, 132])('fits %d columns', (width) => {
    expect(widest(renderTable(variants(3), { width }))).toBeLessThanOrEqual(width);
  });

  it('shows one column a variant, names first', () => {
    const before = richResult({ variant: 'before' });
    const after = richResult({ variant: 'after', digest: 'fedcba9876543210' });
    const lines = renderTable([before, after], { width: 80 }).split('\n');
    expect(lines[0]).toMatch(/^ +before +after$/);
    expect(lines[1]).toMatch(/^─+ {2}─+ {2}─+$/);
    expect(lines).toContainEqual(expect.stringMatching(/^offered +5 +5$/));
    expect(lines).toContainEqual(expect.stringMatching(/^queue timeouts +1 +1$/));
    expect(lines).toContainEqual(expect.stringMatching(/^rows dropped +1 +1$/));
    expect(lines).toContainEqual(expect.stringMatching(/^digest +0123456789abcdef +fedcba9876543210$/));
    expect(lines).toContainEqual(expect.stringMatching(/^KV utilisation +25\.0 % +25\.0 %$/));
  });

  it('shows rows only when some run has a dataset', () => {
    const plain = richResult({ rows: undefined });
    expect(renderTable([plain], { width: 80 })).not.toContain('rows');
    expect(renderTable([plain, richResult()], { width: 80 })).toMatch(/rows dropped +1\n/);
  });

  it('has no ANSI sequence unless asked', () => {
    const runs = variants(2);
     
    const ansi = /\u001b\[\d+m/g;
    expect(renderTable(runs, { width: 80 })).not.toMatch(ansi);
    const colored = renderTable(runs, { width: 80, colors: true });
    expect(colored).toMatch(ansi);
    expect(colored.replace(ansi, '')).toBe(renderTable(runs, { width: 80 }));
  });
});

it('leaves out what the client of a real endpoint cannot know', () => {
  const target = { url: 'http://127.0.0.1:8001', lateP99Us: 1500, lateMaxUs: 2000 };
  const table = renderTable([richResult({ target })], { width: 80 });
  expect(table).not.toMatch(/digest|preemptions|wasted tokens/);
});
