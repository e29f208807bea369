import { describe, expect, it } from 'vitest';
import { formatCount, formatFactor, formatMs, formatPercent, formatRate } from '../../src/report/format.ts';

describe('format', () => {
  it('separates thousands', () => {
    expect([0, 999, 1000, 1234567, 12.6].map(formatCount)).toEqual(['0', '999', '1,000', '1,234,567', '13']);
    expect(formatCount(-1234)).toBe('-1,234');
  });

  it('writes milliseconds with fewer decimals the larger they are', () => {
    expect([0, 1.23456, 12.3456, 123.456, 12345.67].map(formatMs)).toEqual([
      '0.000',
      '1.235',
      '12.35',
      '123.5',
      '12,345.7',
    ]);
  });

  it('writes rates and factors', () => {
    expect([0, 12.345, 1234.5].map(formatRate)).toEqual(['0.00', '12.35', '1,234.5']);
    expect(formatFactor(1.2345)).toBe('×1.234');
  });

  it('calls nothing all or none that is not', () => {
    expect([0, 0.0001, 0.5, 0.99999, 1].map(formatPercent)).toEqual([
      '0.0 %',
      '<0.1 %',
      '50.0 %',
      '>99.9 %',
      '100.0 %',
    ]);
  });

  it('writes a dash for a number that does not exist', () => {
    for (const format of [formatCount, formatFactor, formatMs, formatPercent, formatRate]) {
      expect(format(null)).toBe('–');
    }
  });
});
