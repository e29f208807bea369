import fc from 'fast-check';
import { describe, it } from 'vitest';
import { gatewayCommands } from '../arbitrary/gateway-commands.ts';
import { gatewayPlan } from '../arbitrary/gateway-plans.ts';
import { assertRuns } from '../harness/gateway-runs.ts';
import { GatewayWorld } from '../harness/gateway-world.ts';

const FILE = 'test/gateway/gateway.property.test.ts';

describe('contract 5: a gateway under any commands', () => {
  const title = 'conserves requests, leases and permits, and is empty once drained';
  it(title, { timeout: 600_000 }, () => {
    const property = fc.property(gatewayPlan, gatewayCommands(), (plan, commands) => {
      new GatewayWorld(plan).run(commands);
    });
    assertRuns(property, { seed: 20_260_807, numRuns: 2000, file: FILE, title });
  });
});
