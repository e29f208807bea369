/** Scenario texts for the tests: a minimal valid one, and changes of it. */
import { parseScenario, type Scenario } from '../../src/lab/scenario.ts';
import { ScenarioError } from '../../src/lab/scenario-error.ts';

export const MINIMAL = `name: example
why: To have one. It shows nothing.
source: made up
fleet:
  - count: 2
workload:
  kind: open
  arrivals: {process: constant, rate: 10}
  requests: 5
  prompt: 100
  output: 10
`;

export function scenarioOf(text: string = MINIMAL): Scenario {
  return parseScenario(text, 'x.yaml');
}

/** The message of the ScenarioError that `action` throws. */
export function scenarioMessage(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ScenarioError) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}
