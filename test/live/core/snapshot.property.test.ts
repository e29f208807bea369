/**
 * A gateway and its copy, restored from a snapshot that went through text at any moment of a wild run: from then on
 * both do the same, to the bit, and their next snapshots are equal.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { policiesSchema, policyEntries } from '../../../policies/index.ts';
import type { Attempt, RequestInit } from '../../../src/gateway/request.ts';
import { GatewayMachine, type MachineSnapshot, restoredMachine } from '../../../src/live/core/gateway-machine.ts';
import type { GatewayInput } from '../../../src/live/core/input.ts';
import { readState, stateText } from '../../../src/live/journal/state-text.ts';

const block = fc.record({
  queue: fc.constantFrom<object>(
    { name: 'fifo', size: 3, timeout: '50us' },
    { name: 'none' },
  ),
  capacity: fc.constantFrom<object>(
    ...[{ name: 'fixed', max: 2 }, { name: 'tiers', slotsPerWorker: 2 }],
  ),
  router: fc.constantFrom<object>(
    ...[{ name: 'round-robin' }, { name: 'power-of-two' }, { name: 'least-load' }, { name: 'least-request' }],
    ...[{ name: 'random' }, { name: 'passthrough' }],
  ),
  gates: fc.constantFrom<object[]>(
    [{ name: 'concurrency-limit', max: 2 }],
    [{ name: 'breaker', failureThreshold: 2, openFor: '20us', successThreshold: 2 }],
    [{ name: 'breaker', variant: 'smg-2026-08-07', failureThreshold: 2, openFor: '1ms' }],
    [{ name: 'busy', staleAfter: '30us', refusalHold: '9us' }],
  ),
  retryBudget: fc.constantFrom<object>(
    { name: 'none' },
    { name: 'ratio', minRetries: 1 },
  ),
  retry: fc.constantFrom<object>(
    { name: 'exponential', maxAttempts: 3, initialBackoff: '1ms', maxBackoff: '1ms' },
    { name: 'none' },
  ),
  timeouts: fc.constantFrom<object>({}, { attempt: '30us' }, { request: '80us', worker: '10us' }),
});
type Block = typeof block extends fc.Arbitrary<infer T> ? T : never;

const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('arrive' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('end' as const), pick: fc.nat(20), status: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('first' as const), pick: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abandon' as const), pick: fc.nat(40) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), us: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('status' as const), ready: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('report' as const), worker: fc.nat(1), used: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('thresholds' as const), max: fc.constantFrom(0.2, Infinity) }) },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

const SCHEMA = policiesSchema(policyEntries);

type Machine = GatewayMachine<RequestInit>;

/** One machine with the attempts that run on it; inputs are made alike for both. */
class Side {
  readonly machine: Machine;
  readonly attempts: Attempt[];
  readonly did: unknown[] = [];

  constructor(machine: Machine, attempts: readonly Attempt[] = []) {
    this.machine = machine;
    this.attempts = [...attempts].sort((a, b) => a.id - b.id);
  }

  apply(now: number, input: GatewayInput<RequestInit>): void {
    const { gateway } = this.machine;
    this.machine.apply(now, input);
    for (let effect = gateway.take(); effect !== undefined; effect = gateway.take()) {
      if (effect.kind === 'start') {
        this.attempts.push(effect.attempt);
        this.did.push(['start', effect.attempt.id, effect.attempt.request.id, effect.attempt.worker.index]);
      } else if (effect.kind === 'cancel') {
        this.attempts.splice(this.attempts.indexOf(effect.attempt), 1);
        this.did.push(['cancel', effect.attempt.id]);
      } else {
        this.did.push(['finish', effect.request.id, effect.reason, effect.cause, effect.request.retryAfterUs]);
      }
    }
    this.did.push(gateway.held(), gateway.nextWakeAt());
  }

  play(now: number, step: Command, id: number): void {
    const attempt = 'pick' in step ? this.attempts[step.pick % Math.max(1, this.attempts.length)] : undefined;
    switch (step.do) {
      case 'arrive':
        return this.apply(now, { kind: 'arrive', request: requestOf(id) });
      case 'end':
        if (attempt !== undefined) this.#end(now, attempt, step.status);
        return;
      case 'first':
        if (attempt !== undefined) this.apply(now, { kind: 'first-token', attempt });
        return;
      case 'abandon':
        return this.apply(now, { kind: 'abandon', request: step.pick });
      case 'status':
        return this.apply(now, { kind: 'status', worker: 1, status: step.ready ? 'ready' : 'not-ready' });
      case 'report':
        return this.apply(now, { kind: 'report', worker: step.worker, rank: 0, report: reportOf(step.used) });
      case 'thresholds':
        return this.apply(now, { kind: 'thresholds', changes: { kvUsedRatioMax: step.max } });
      case 'pass':
        return this.apply(now, { kind: 'wake' });
      default:
        step satisfies never;
    }
  }

  #end(now: number, attempt: Attempt, status: number): void {
    this.attempts.splice(this.attempts.indexOf(attempt), 1);
    const { bytesSent } = attempt;
    const ends = [
      { outcome: 'ok' as const, status: 200, bytesSent: true, usedTokens: 7 },
      { outcome: 'failed' as const, status: 500, bytesSent },
      { outcome: 'refused' as const, status: 503, bytesSent },
      { outcome: 'refused' as const, status: 429, bytesSent },
    ];
    this.apply(now, { kind: 'end', attempt, result: { retryAfterUs: -1, ...(ends[status] as (typeof ends)[0]) } });
  }
}

function requestOf(id: number): RequestInit {
  const prompt = { promptTokens: 5 + (id % 7), maxOutputTokens: 5, prefixKey: 1, blockHashes: [1, 2], blockTokens: 16 };
  return { id, tenant: `t${id % 2}`, ...prompt, priority: 0, routingKey: '', targetWorker: '' };
}

function reportOf(used: number) {
  const pool = { kvUsedBlocks: used, kvTotalBlocks: 100, decodeBlocks: used, prefillTokens: used };
  return { running: 1, waiting: 0, ...pool, maxBatchedTokens: 100, maxRunning: 3, generatedTokensPerSec: 50 };
}

function initOf(written: Block, segment: number) {
  const settings = { config: SCHEMA.parse(written), written, retrySent: true };
  return { settings, seed: 's', entries: policyEntries, segment };
}

function started(written: Block): Side {
  const side = new Side(new GatewayMachine(initOf(written, 0)));
  side.apply(0, { kind: 'discovered', workers: [0, 1], names: ['a', 'b'] });
  for (const worker of [0, 1]) side.apply(0, { kind: 'status', worker, status: 'ready' });
  return side;
}

/** Of a machine whose policies can all tell their state. */
function snapshotOf({ machine }: Side, segment: number): MachineSnapshot {
  const snapshot = machine.beginSegment(segment);
  if ('missing' in snapshot) throw new Error(`cannot tell: ${snapshot.missing.join(', ')}`);
  return snapshot;
}

it('goes on from a snapshot as it would have gone on without', () => {
  const run = fc.array(command, { minLength: 5, maxLength: 60, size: 'max' });
  fc.assert(
    fc.property(block, run, run, (written, before, after) => {
      const original = started(written);
      let now = 0;
      let id = 0;
      const step = (each: Command, sides: readonly Side[]): void => {
        if (each.do === 'pass') now += each.us;
        if (each.do === 'arrive') id++;
        for (const side of sides) side.play(now, each, id);
      };
      for (const each of before) step(each, [original]);
      const text = stateText(snapshotOf(original, 1));
      const { machine, attempts } = restoredMachine(initOf(written, 1), readState(JSON.parse(text)) as MachineSnapshot);
      machine.gateway.checkInvariants();
      const copy = new Side(machine, attempts);
      original.attempts.sort((a, b) => a.id - b.id);
      original.did.length = 0;
      for (const each of after) step(each, [original, copy]);
      expect(copy.did).toEqual(original.did);
      expect(stateText(snapshotOf(copy, 2))).toBe(stateText(snapshotOf(original, 2)));
    }),
    { seed: 21, numRuns: 400 },
  );
});
