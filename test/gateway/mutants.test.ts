import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { gatewayCommands } from '../arbitrary/gateway-commands.ts';
import { gatewayPlan } from '../arbitrary/gateway-plans.ts';
import { planted } from '../harness/gateway-planted.ts';
import { GatewayWorld, type Suspect } from '../harness/gateway-world.ts';
import { gatewayMutants } from './mutants/gateways.ts';
import { policyMutants } from './mutants/queues.ts';

const SEED = 725;
const RUNS_MAX = 2000;
const table: string[] = [];

/** Runs until a command list finds the suspect out; answers how many runs that took and the length it shrank to. */
function hunted(suspect: Suspect): { runs: number; commands: number; message: string } {
  const property = fc.property(gatewayPlan, gatewayCommands(), (plan, commands) => {
    new GatewayWorld(plan, suspect).run(commands);
  });
  const details = fc.check(property, { seed: SEED, numRuns: RUNS_MAX });
  const { errorInstance, counterexample, numRuns } = details;
  if (counterexample === null) throw new Error(`survived ${numRuns} runs`);
  const message = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  return { runs: numRuns, commands: counterexample[1].length, message };
}

function expectKilled(name: string, suspect: Suspect, bound: { runs: number; commands: number }): void {
  const { runs, commands, message } = hunted(suspect);
  table.push(`  ${String(runs).padStart(4)} runs, ${commands} commands  ${name}: ${message}`);
  expect(runs).toBeLessThanOrEqual(bound.runs);
  expect(commands).toBeLessThanOrEqual(bound.commands);
}

describe('the harness finds a planted fault of the gateway', () => {
  it.each(gatewayMutants)('$name', { timeout: 60_000 }, (mutant) => {
    const gateway = planted('src/gateway/gateway.ts', mutant.edits)['Gateway'] as typeof Gateway;
    expectKilled(mutant.name, { gateway }, mutant);
  });

  it('and none in a copy without one', { timeout: 60_000 }, () => {
    const gateway = planted('src/gateway/gateway.ts', [])['Gateway'] as typeof Gateway;
    const property = fc.property(gatewayPlan, gatewayCommands(40), (plan, commands) => {
      new GatewayWorld(plan, { gateway }).run(commands);
    });
    fc.assert(property, { seed: SEED, numRuns: 50 });
  });
});

describe('the harness finds a planted fault of a policy', () => {
  it.each(policyMutants)('$name', { timeout: 60_000 }, (mutant) => {
    expectKilled(mutant.name, mutant, mutant);
  });
});

afterAll(() => {
  console.log(`runs until found, commands after shrinking:\n${table.join('\n')}`);
});
