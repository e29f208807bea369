/**
 * A gateway whose policies are replaced at any moment: the laws of the core hold throughout, the capacity is never
 * exceeded by two queues together, and in the end nothing is held.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { policiesSchema, policyEntries } from '../../../policies/index.ts';
import type { Attempt, RequestInit } from '../../../src/gateway/request.ts';
import { GatewayMachine } from '../../../src/live/core/gateway-machine.ts';
import type { PolicySettings } from '../../../src/live/core/input.ts';

const queue = fc.constantFrom<object>(
  { name: 'fifo', size: 3, timeout: '50us' },
  { name: 'fifo', size: 0 },
  { name: 'adaptive-lifo', size: 4 },
  { name: 'codel', size: 4 },
  { name: 'none' },
  { name: 'priority' },
);
const block = fc.record({
  queue,
  capacity: fc.constantFrom<object>(
    { name: 'fixed', max: 1 },
    { name: 'fixed', max: 3 },
    { name: 'aimd' },
    { name: 'tiers' },
  ),
  router: fc.constantFrom<object>({ name: 'round-robin' }, { name: 'cache-aware' }, { name: 'least-load' }),
  gates: fc.constantFrom<object[]>(
    [],
    [{ name: 'concurrency-limit', max: 2 }],
    [{ name: 'breaker', failureThreshold: 1, openFor: '20us' }, { name: 'busy' }],
  ),
  rate: fc.constantFrom<object>(
    { name: 'none' },
    { name: 'tenant-limit', default: { requestsPerMinute: 9, tokensPerMinute: 900 } },
  ),
  timeouts: fc.constantFrom<object>({}, { attempt: '30us' }, { request: '80us', worker: '10us' }),
});
type Block = typeof block extends fc.Arbitrary<infer T> ? T : never;

const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('arrive' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('end' as const), pick: fc.nat(20), ok: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('first' as const), pick: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abandon' as const), pick: fc.nat(40) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), us: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('status' as const), ready: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('policies' as const), block }) },
);

const SCHEMA = policiesSchema(policyEntries);

function settings(written: Block): PolicySettings {
  const retry = { retry: { name: 'exponential', maxAttempts: 3, initialBackoff: '1ms', maxBackoff: '1ms' } };
  return { config: SCHEMA.parse({ ...retry, ...written }), written, retrySent: true };
}

class World {
  readonly machine: GatewayMachine<RequestInit>;
  readonly running: Attempt[] = [];
  now = 0;
  arrived = 0;

  constructor(first: Block) {
    this.machine = new GatewayMachine({ settings: settings(first), seed: 's', entries: policyEntries });
    this.apply({ kind: 'discovered', workers: [0, 1], names: ['a', 'b'] });
    for (const worker of [0, 1]) this.apply({ kind: 'status', worker, status: 'ready' });
  }

  apply(input: Parameters<GatewayMachine<RequestInit>['apply']>[1]): void {
    const { gateway, policies } = this.machine;
    const before = gateway.held().admitted;
    this.machine.apply(this.now, input);
    const { admitted } = gateway.held();
    const isBounded = !['none', 'priority'].includes(policies.config.queue.name);
    if (isBounded && admitted > before) expect(admitted).toBeLessThanOrEqual(policies.capacity.current());
    for (let effect = gateway.take(); effect !== undefined; effect = gateway.take()) {
      if (effect.kind === 'start') this.running.push(effect.attempt);
      else if (effect.kind === 'cancel') this.running.splice(this.running.indexOf(effect.attempt), 1);
    }
    gateway.checkInvariants();
  }

  passTo(at: number): void {
    const { gateway } = this.machine;
    while (gateway.nextWakeAt() <= at) {
      this.now = Math.max(this.now, gateway.nextWakeAt());
      this.apply({ kind: 'wake' });
    }
    this.now = at;
  }

  end(pick: number, ok: boolean): void {
    const [attempt] = this.running.splice(pick % Math.max(1, this.running.length), 1);
    if (attempt === undefined) return;
    const result = ok
      ? { outcome: 'ok' as const, status: 200, retryAfterUs: -1, bytesSent: true }
      : { outcome: 'failed' as const, status: 500, retryAfterUs: -1, bytesSent: attempt.bytesSent };
    this.apply({ kind: 'end', attempt, result });
  }

  arrive(): void {
    const request = { id: this.arrived++, tenant: 't', promptTokens: 5, maxOutputTokens: 5, prefixKey: 1 };
    const rest = { blockHashes: [1, 2], blockTokens: 16, priority: 0, routingKey: '', targetWorker: '' };
    this.apply({ kind: 'arrive', request: { ...request, ...rest } });
  }
}

function play(world: World, step: typeof command extends fc.Arbitrary<infer T> ? T : never): void {
  switch (step.do) {
    case 'arrive':
      return world.arrive();
    case 'end':
      return world.end(step.pick, step.ok);
    case 'first': {
      const attempt = world.running[step.pick % Math.max(1, world.running.length)];
      if (attempt !== undefined) world.apply({ kind: 'first-token', attempt });
      return;
    }
    case 'abandon':
      return world.apply({ kind: 'abandon', request: step.pick });
    case 'pass':
      return world.passTo(world.now + step.us);
    case 'status':
      return world.apply({ kind: 'status', worker: 1, status: step.ready ? 'ready' : 'not-ready' });
    case 'policies':
      return world.apply({ kind: 'policies', next: settings(step.block) });
    default:
      step satisfies never;
  }
}

describe('a gateway whose policies are replaced while it runs', () => {
  it('keeps every law, and holds nothing in the end', () => {
    fc.assert(
      fc.property(block, fc.array(command, { maxLength: 120, size: 'max' }), (first, commands) => {
        const world = new World(first);
        for (const step of commands) play(world, step);
        world.apply({ kind: 'status', worker: 1, status: 'ready' });
        for (let i = 0; i < 1000 && world.machine.gateway.unfinished().length > 0; i++) {
          while (world.running.length > 0) world.end(0, true);
          world.passTo(world.now + 100_000);
        }
        for (const id of world.machine.gateway.unfinished()) world.apply({ kind: 'abandon', request: id });
        const held = world.machine.gateway.held();
        expect(held).toEqual(Object.fromEntries(Object.keys(held).map((name) => [name, 0])));
        expect(world.machine.gateway.counts.finished).toBe(world.arrived);
      }),
      { seed: 7, numRuns: 200 },
    );
  });
});
