import { describe, expect, it } from 'vitest';
import {
  legacyFromMaxConcurrent,
  maxRunningFromLabel,
  parseOverride,
  sourceFromCode,
} from '../../../policies/capacity/inputs.ts';

describe('capacity inputs', () => {
  it.each([
    ['256', 256],
    ['+7', 7],
    ['00064', 64],
    ['65535', 65535],
    ['65536', -1],
    ['0', -1],
    ['-5', -1],
    [' 12', -1],
    ['12 ', -1],
    ['256.0', -1],
    ['1e2', -1],
    ['++1', -1],
    ['', -1],
    ['+', -1],
    ['not-a-number', -1],
    [undefined, -1],
  ])('reads the label %j as %d requests', (label, requests) => {
    expect(maxRunningFromLabel(label)).toBe(requests);
  });

  it.each([1, 512, 65535])('keeps the override %d without a warning', (raw) => {
    expect(parseOverride(raw)).toEqual({ override: raw, warning: undefined });
  });

  it('derives silently for an override of 0', () => {
    expect(parseOverride(0)).toEqual({ override: 0, warning: undefined });
  });

  it.each([-1, 65536, 1.5])('derives with a warning for an override of %d', (raw) => {
    const { override, warning } = parseOverride(raw);
    expect(override).toBe(0);
    expect(warning).toContain(String(raw));
  });

  it.each([
    [-1, 1024],
    [0, 0],
    [256, 256],
    [65535, 65535],
    [70000, 1024],
  ])('takes max_concurrent_requests %d as a legacy capacity of %d', (maxConcurrent, capacity) => {
    expect(legacyFromMaxConcurrent(maxConcurrent)).toBe(capacity);
  });

  it('reads an unknown source code as the fallback', () => {
    expect([0, 1, 2, 3, 4, 255].map(sourceFromCode)).toEqual([
      'legacy-fallback',
      'override',
      'worker-reported',
      'mixed',
      'legacy-fallback',
      'legacy-fallback',
    ]);
  });
});
