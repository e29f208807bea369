import { describe, expect, it } from 'vitest';
import { readmeNow, readmeWanted } from './scenario-fields.ts';

describe('scenarios/README.md', () => {
  it('lists the fields that the schema has (else: npm run scenario-fields)', () => {
    expect(readmeNow()).toBe(readmeWanted());
  });

  it('lists some of every block', () => {
    for (const field of ['fleet[].count', 'workload (kind: open).arrivals', 'symptoms[].what', 'pair.after']) {
      expect(readmeNow()).toContain(`| \`${field}\` |`);
    }
  });
});
