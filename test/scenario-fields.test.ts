import { describe, expect, it } from 'vitest';
import { checkExpectations } from '../src/lab/expect.ts';
import { resolveVariants } from '../src/lab/resolve.ts';
import { runScenario } from '../src/lab/run.ts';
import { parseScenario } from '../src/lab/scenario.ts';
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

  it('has a template that runs, and comes out as it expects', async () => {
    const [, template = ''] = /## A template\n\n```yaml\n(.*?)```/s.exec(readmeNow()) ?? [];
    const scenario = parseScenario(template, 'template.yaml');
    const results = new Map();
    for (const resolved of resolveVariants(scenario, scenario.variantNames)) {
      results.set(resolved.variant, (await runScenario(resolved)).result);
    }
    const outcomes = checkExpectations(scenario.expect, results);
    expect(outcomes.length).toBeGreaterThan(1);
    expect(outcomes.filter(({ ok }) => !ok)).toEqual([]);
  });

  it('writes what people say in words that the schema has', () => {
    const fragments = [...readmeNow().matchAll(/`(\{kind: [^`…]*\})`/g)].map(([, fragment = '']) => fragment);
    expect(fragments.length).toBeGreaterThanOrEqual(5);
    for (const fault of fragments) {
      const rest = 'workload: {kind: open, arrivals: {process: poisson, rate: 1}, requests: 1, prompt: 1, output: 1}';
      const text = `name: x\nwhy: Why.\nsource: a test\nfleet: [{count: 5}]\n${rest}\nfaults: [${fault}]\n`;
      expect(() => parseScenario(text, fault)).not.toThrow();
    }
  });
});
