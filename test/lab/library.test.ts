/** `spillway/lab` as a user's own test uses it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { policyObject, type PolicyEntry } from '../../policies/index.ts';
import { invariants, runScenario, scenarioArbitrary, scenarioYaml } from '../../src/lab/library.ts';
import { parseScenario } from '../../src/lab/scenario.ts';
import { resolveVariant } from '../../src/lab/resolve.ts';
import { runScenario as runResolved } from '../../src/lab/run.ts';

const firstWorker = (pick: () => number): readonly PolicyEntry[] => [
  {
    ...{ role: 'router', name: 'first', decides: 'The first.', source: 'ours', variants: {} },
    config: policyObject('first', {}),
    make: () => ({ pick }),
  },
];

const space = { draw: ['workload', 'fleet', 'policies.router', 'faults'] };
const check = { seed: 1, numRuns: 30 };

describe('spillway/lab', () => {
  it('draws scenarios with policies of your own, which keep every promise or are told why not', async () => {
    const sound = firstWorker(() => 0);
    const property = fc.asyncProperty(scenarioArbitrary({ policies: sound, space }), async (scenario) => {
      expect(scenario['policies']).toMatchObject({ router: { name: 'first' } });
      expect((await runScenario(scenario, { policies: sound })).failures).toEqual([]);
    });
    await fc.assert(property, check);
  });

  it('tells a policy at fault by name, method and input, and shrinks what shows it', async () => {
    const wrong = firstWorker(() => 7);
    const property = fc.asyncProperty(scenarioArbitrary({ policies: wrong, space }), async (scenario) => {
      return (await runScenario(scenario, { policies: wrong })).failures.length === 0;
    });
    const { counterexample } = await fc.check(property, check);
    const [scenario] = counterexample ?? [];
    const { failures, result } = await runScenario(scenario ?? {}, { policies: wrong });
    expect(result).toBeUndefined();
    expect(failures[0]?.message).toMatch(/^policy router\/first: pick answered 7; allowed a whole number from -2 /);
    expect(failures[0]?.input).toMatch(/^pick\(\d+, request 0, \[worker 0 /);
    expect(scenario).toMatchObject({ workload: { requests: 1 } });
  });

  it('writes a scenario as a file that runs to the same digest', async () => {
    const [scenario = {}] = fc.sample(scenarioArbitrary({ space }), check);
    const { result } = await runScenario(scenario);
    const again = await runResolved(resolveVariant(parseScenario(scenarioYaml(scenario), 'drawn.yaml')));
    expect(again.result.digest).toBe(result?.digest);
  });

  it('refuses a space that names what there is not', () => {
    expect(() => scenarioArbitrary({ space: { draw: ['fleets'] } })).toThrow('fleets');
  });

  it('has invariants with names and promises, none twice', () => {
    const names = invariants.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { promise } of invariants) expect(promise).toMatch(/^[A-Z][^]*\.$/);
  });
});
