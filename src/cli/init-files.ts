/** What `spillway init` writes: a scenario, a policy of your own, a test that fuzzes it, a workflow that runs both. */

const SCENARIO = `name: my-scenario
why: Three workers, one of which is slow for a while; the router of policies.mjs goes around it.
source: spillway init
fleet:
  - {count: 3, engine: {maxRunning: 64, blocks: 4096}}
workload:
  kind: open
  arrivals: {process: poisson, rate: 8}
  duration: 60s
  prompt: {dist: lognormal, mean: 512, cv: 0.8, max: 4096}
  output: {dist: lognormal, mean: 64, cv: 0.6, max: 512}
faults:
  - {kind: slow, worker: 0, at: 20s, for: 20s, factor: 10}
policies:
  router: {name: least-in-flight}
  retry: {name: exponential, maxAttempts: 3}
variants:
  round-robin: {set: {policies.router: {name: round-robin}}}
invariants: all
expect:
  - {path: good_request_fraction, atLeast: 0.9}
`;

const POLICIES = `/** Policies of our own; spillway/policies is the port. They know no clock, timer or unseeded draw. */
import { count, policyObject } from 'spillway/policies';

/** @type {import('spillway/policies').PolicyEntry[]} */
export const policies = [
  {
    role: 'router',
    name: 'least-in-flight',
    decides: 'Which worker: the one with the fewest attempts in flight, none while all are full.',
    source: 'ours',
    config: policyObject('least-in-flight', { max: count(1).prefault(1000).describe('Attempts on one worker.') }),
    variants: { careful: { max: 4 } },
    make: ({ max }) => ({
      pick(now, request, workers) {
        const least = Math.min(...workers.map((worker) => worker.inFlight));
        return least < max ? workers.findIndex((worker) => worker.inFlight === least) : -1;
      },
    }),
  },
];
`;

/** Shown in the README, which a test holds to this text. */
export const TEST = `import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runScenario, scenarioArbitrary } from 'spillway/lab';
import { policies } from './policies.mjs';

it('keeps every promise in any world', { timeout: 60_000 }, async () => {
  const property = fc.asyncProperty(scenarioArbitrary({ policies }), async (scenario) => {
    expect((await runScenario(scenario, { policies })).failures).toEqual([]);
  });
  await fc.assert(property, { seed: 1, numRuns: 200 });
});
`;

/** Shown in the README, which a test holds to this text. */
export const WORKFLOW = `on: [push]
jobs:
  spillway:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: npm ci && npm test
      - run: npx spillway fuzz --policies policies.mjs --minutes 5 --seed \${{ github.run_number }} --junit fuzz.xml
      - uses: actions/upload-artifact@v4
        if: failure()
        with: {name: found, path: found}
`;

/** Text of each file by its path in the folder. `version` is Spillway's own. */
export function initFiles(version: string): Readonly<Record<string, string>> {
  const manifest = {
    private: true,
    type: 'module',
    scripts: { test: 'vitest run' },
    devDependencies: { 'fast-check': '^4.10.0', spillway: `^${version}`, vitest: '^4.1.0' },
  };
  return {
    'scenario.yaml': SCENARIO,
    'policies.mjs': POLICIES,
    'policies.test.mjs': TEST,
    '.github/workflows/spillway.yml': WORKFLOW,
    'package.json': `${JSON.stringify(manifest, null, 2)}\n`,
  };
}
