/**
 * Every shipped scenario is a test (those of incidents/ and metastable/ are in incidents.test.ts): all its variants
 * finish with nothing held, its expectations hold, and its digests are the recorded ones. As it is, without a variant
 * (which may be there to show a defect), it keeps the invariants that it asks for. A digest changes only when behaviour
 * does; say why in the commit that records the new one (`SPILLWAY_RECORD=1 npx vitest run test/scenarios.test.ts`).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { shippedName, shippedScenarios } from '../src/lab/catalog.ts';
import { runChecked } from '../src/lab/checked-run.ts';
import { checkExpectations } from '../src/lab/expect.ts';
import { invariants } from '../src/lab/invariants/catalogue.ts';
import { resolveVariants } from '../src/lab/resolve.ts';
import { runScenario } from '../src/lab/run.ts';
import type { RunOutcome } from '../src/lab/run-types.ts';
import { loadScenario } from '../src/lab/scenario.ts';
import { BASE_VARIANT } from '../src/lab/scenario-schema.ts';

const GOLDEN = new URL('scenarios.golden.json', import.meta.url);
const golden = JSON.parse(readFileSync(GOLDEN, 'utf8')) as Record<string, string>;
const seen: Record<string, string> = {};

const paths = shippedScenarios().filter((path) => !/^(incidents|metastable)\//.test(shippedName(path)));

describe.each(paths.map((path) => [basename(path, '.yaml'), path]))('scenario %s', (name, path) => {
  it('finishes with nothing held, as expected, with the recorded digests', async () => {
    const scenario = await loadScenario(path);
    const results = new Map();
    for (const resolved of resolveVariants(scenario, [BASE_VARIANT, ...scenario.variantNames], { check: false })) {
      const asked = resolved.variant === BASE_VARIANT ? resolved.invariants : undefined;
      const held = invariants.filter((each) => asked === 'all' || asked?.includes(each.name) === true);
      const { outcome, broken, fault } = await runChecked(runScenario, resolved, held);
      expect([broken, fault]).toEqual([[], undefined]);
      const { result, status } = outcome as RunOutcome;
      // A scenario that asks for a verdict may show a system that does not recover.
      expect(['ok', 'metastable']).toContain(status);
      expect(Object.values(result.held).filter((count) => count !== 0)).toEqual([]);
      results.set(resolved.variant, result);
      seen[`${name}/${resolved.variant}`] = result.digest;
    }
    const failed = checkExpectations(scenario.base.expect, results).filter((outcome) => !outcome.ok);
    expect(failed).toEqual([]);
    if (process.env['SPILLWAY_RECORD'] !== undefined) return;
    for (const variant of results.keys()) {
      expect(`${variant} ${seen[`${name}/${variant}`]}`).toBe(`${variant} ${golden[`${name}/${variant}`]}`);
    }
  });
});

afterAll(() => {
  if (process.env['SPILLWAY_RECORD'] === undefined) return;
  writeFileSync(GOLDEN, `${JSON.stringify(seen, null, 2)}\n`);
});
