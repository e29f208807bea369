import { describe, expect, it } from 'vitest';
import type { Command } from '../arbitrary/gateway-commands.ts';
import type { Plan } from '../arbitrary/gateway-plans.ts';
import { BROKEN, OK } from '../harness/gateway-driver.ts';
import { explore } from '../harness/gateway-explore.ts';
import { GatewayWorld } from '../harness/gateway-world.ts';

const REQUESTS = 2;
const STEPS = 6;
const PLAN: Plan = {
  workers: 2, capacity: Infinity, rate: 'none', queue: 'fifo', waiters: 1, queueUs: 15,
  router: 'round-robin', gates: [],
  retry: 'none', excludeFailedWorkers: true, timeouts: { requestUs: 30, attemptUs: 20, workerUs: 10 },
};

/** What may happen next; each attempt is ended well, badly, or once more after it was settled. */
function possible(world: GatewayWorld, arrived: number): Command[] {
  const { live, settled, inside } = world.ledger;
  const commands: Command[] = [];
  if (arrived < REQUESTS) commands.push({ do: 'arrive', priority: arrived, promptTokens: 1 });
  for (const pick of live.keys()) {
    commands.push({ do: 'end', pick, result: OK }, { do: 'end', pick, result: BROKEN });
  }
  for (const id of inside.keys()) commands.push({ do: 'abandon', pick: id });
  if (settled.length === 1) commands.push({ do: 'late end', pick: 0, result: OK });
  if (world.gateway.nextWakeAt() !== Infinity) commands.push({ do: 'until due' }, { do: 'due', late: 0 });
  return commands;
}

function holdsInAllOrders(plan: Plan): number {
  return explore((choose) => {
    const world = new GatewayWorld(plan);
    const done: Command[] = [];
    let arrived = 0;
    try {
      for (let step = 0; step < STEPS; step++) {
        const commands = possible(world, arrived);
        const command = commands[choose(commands.length)];
        if (command === undefined) break;
        done.push(command);
        world.perform(command);
        if (command.do === 'arrive') arrived++;
        if (arrived === REQUESTS && world.ledger.inside.size === 0) break;
      }
      world.drain();
    } catch (error) {
      throw new Error(`after ${JSON.stringify(done)}`, { cause: error });
    }
  });
}

describe('all orders of arrivals, ends, abandonments and deadlines of two requests on two workers', () => {
  it.each<[string, Partial<Plan>]>([
    ['with room for both and a retry at once', { retry: 'at-once' }],
    ['with one permit and a retry later', { capacity: 1, retry: 'after' }],
    ['with one permit and a queue that preempts', { capacity: 1, queue: 'preempting' }],
    ['with workers that rest after a failure', { gates: ['limit-1', 'offended'], retry: 'at-once' }],
  ])('keep the contract %s', { timeout: 60_000 }, (_title, fields) => {
    expect(holdsInAllOrders({ ...PLAN, ...fields })).toBeGreaterThan(500);
  });
});
