import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

describe('the committed report of issue 725', () => {
  it('is of the recorded runs', () => {
    const golden = JSON.parse(readFileSync(join(ROOT, 'test/scenarios.golden.json'), 'utf8')) as Record<string, string>;
    const report = readFileSync(join(ROOT, 'reports/datadesigner-725/report.md'), 'utf8');
    const variants = Object.keys(golden).filter((name) => name.startsWith('datadesigner-725/'));
    expect(variants.length).toBeGreaterThan(5);
    for (const name of variants) expect(report, `${name}: run npm start`).toContain(golden[name]);
  });
});
