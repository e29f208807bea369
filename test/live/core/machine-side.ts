/**
 * A live gateway without sockets, driven by wild commands, and its copy: taken from a snapshot that went through text,
 * which must do from then on what the original does, answer by answer. The draws of a command decide what a request is
 * like, so that both sides are given the same.
 */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect } from 'vitest';
import { type PolicyEntry, policiesSchema, policyEntries } from '../../../policies/index.ts';
import type { Attempt, RequestInit } from '../../../src/gateway/request.ts';
import { GatewayMachine, type MachineSnapshot, restoredMachine } from '../../../src/live/core/gateway-machine.ts';
import type { GatewayInput } from '../../../src/live/core/input.ts';
import type { LivePoliciesInit } from '../../../src/live/core/live-policies.ts';
import { readState, stateText } from '../../../src/live/journal/state-text.ts';

const WORKERS = ['a', 'b', 'c', 'd'];

const pick = fc.nat(20);
const worker = fc.nat(WORKERS.length - 1);
/** Microseconds: within an instant or two, within a request, between requests, between reports. */
const us = fc.oneof(fc.nat(40), fc.nat(4000), fc.nat(2_000_000), fc.nat(100_000_000));
const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('arrive' as const), like: fc.nat(0xffff) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('end' as const), pick, status: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('first' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abandon' as const), pick: fc.nat(40) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), us }) },
  {
    weight: 1,
    arbitrary: fc.record({
      ...{ do: fc.constant('status' as const), worker },
      status: fc.constantFrom('ready' as const, 'ready' as const, 'not-ready' as const, 'failed' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('report' as const),
      worker,
      rank: fc.nat(1),
      used: fc.integer({ min: -1, max: 100 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('thresholds' as const), max: fc.constantFrom(0.2, 0.6, Infinity) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('discovered' as const), mask: fc.integer({ min: 1, max: 15 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('configured' as const), worker, ranks: fc.integer({ min: 1, max: 2 }) }),
  },
);
export type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

export const commands = fc.array(command, { minLength: 5, maxLength: 80, size: 'max' });

type Machine = GatewayMachine<RequestInit>;

/** One machine with the attempts that run on it; inputs are made alike for both. */
class Side {
  readonly machine: Machine;
  readonly attempts: Attempt[];
  readonly did: unknown[];

  constructor(machine: Machine, attempts: readonly Attempt[], did: unknown[]) {
    this.machine = machine;
    this.attempts = [...attempts].sort((a, b) => a.id - b.id);
    this.did = did;
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
    const { capacity } = this.machine.policies.set;
    this.did.push(gateway.held(), gateway.nextWakeAt(), capacity.current(), capacity.source());
  }

  play(now: number, step: Command, id: number): void {
    switch (step.do) {
      case 'arrive':
        return this.apply(now, { kind: 'arrive', request: requestOf(id, step.like) });
      case 'end':
        return this.#running(step.pick, (attempt) => this.#end(now, attempt, step.status));
      case 'first':
        return this.#running(step.pick, (attempt) => this.apply(now, { kind: 'first-token', attempt }));
      case 'abandon':
        return this.apply(now, { kind: 'abandon', request: step.pick });
      case 'status':
        return this.apply(now, { kind: 'status', worker: step.worker, status: step.status });
      case 'report':
        return this.apply(now, { kind: 'report', worker: step.worker, rank: step.rank, report: reportOf(step.used) });
      case 'thresholds':
        return this.apply(now, { kind: 'thresholds', changes: { kvUsedRatioMax: step.max } });
      case 'discovered':
        return this.#discovered(now, step.mask);
      case 'configured':
        return this.apply(now, { kind: 'configured', worker: step.worker, ranks: step.ranks });
      case 'pass':
        return this.apply(now, { kind: 'wake' });
      default:
        step satisfies never;
    }
  }

  #running(place: number, act: (attempt: Attempt) => void): void {
    const attempt = this.attempts[place % Math.max(1, this.attempts.length)];
    if (attempt !== undefined) act(attempt);
  }

  #discovered(now: number, mask: number): void {
    const workers = WORKERS.flatMap((_, index) => ((mask >> index) & 1 ? [index] : []));
    this.apply(now, { kind: 'discovered', workers, names: workers.map((index) => WORKERS[index] as string) });
    for (const index of workers) this.apply(now, { kind: 'status', worker: index, status: 'ready' });
  }

  #end(now: number, attempt: Attempt, status: number): void {
    this.attempts.splice(this.attempts.indexOf(attempt), 1);
    const { bytesSent } = attempt;
    const ends = [
      { outcome: 'ok' as const, status: 200, bytesSent: true, usedTokens: 7 },
      { outcome: 'failed' as const, status: 500, bytesSent },
      { outcome: 'refused' as const, status: 503, bytesSent },
      { outcome: 'refused' as const, status: 429, bytesSent, retryAfterUs: 2000 },
      { outcome: 'timeout' as const, status: 504, bytesSent },
      { outcome: 'failed' as const, status: 0, bytesSent },
    ];
    this.apply(now, { kind: 'end', attempt, result: { retryAfterUs: -1, ...(ends[status] as (typeof ends)[0]) } });
  }
}

/** Three tenants, four classes, prompts that share beginnings, perhaps a key, seldom a worker that it names. */
function requestOf(id: number, like: number): RequestInit {
  const [length, first, second] = [like % 5, (like >> 3) % 3, (like >> 5) % 3];
  const blockHashes = Array.from({ length }, (_, at) => 1 + at * 10 + (at < 2 ? first : second));
  const prompt = { promptTokens: 16 * length + (like % 97), maxOutputTokens: 5, prefixKey: blockHashes[0] ?? 0 };
  return {
    ...{ id, ...prompt, blockHashes, blockTokens: 16, tenant: `t${like % 3}`, priority: (like >> 7) % 5 },
    routingKey: ['', 'x', 'y', 'z'][(like >> 9) % 4] as string,
    targetWorker: like % 31 === 0 ? '1' : '',
  };
}

/** -1: a worker that says little. */
function reportOf(used: number) {
  const pool = { kvUsedBlocks: used, kvTotalBlocks: used < 0 ? -1 : 100, decodeBlocks: used, prefillTokens: used };
  return { running: 1, waiting: 0, ...pool, maxBatchedTokens: 100, maxRunning: 3, generatedTokensPerSec: used };
}

const SCHEMA = policiesSchema(policyEntries);

function initOf(written: object, segment: number, entries: readonly PolicyEntry[]): LivePoliciesInit {
  const settings = { config: SCHEMA.parse(written), written, retrySent: true };
  return { settings, seed: 's', entries, segment };
}

function snapshotOf({ machine }: Side, segment: number): MachineSnapshot {
  const snapshot = machine.beginSegment(segment);
  if ('missing' in snapshot) throw new Error(`cannot tell: ${snapshot.missing.join(', ')}`);
  return snapshot;
}

export interface Drive {
  /** The block of a configuration. */
  readonly policies: object;
  /** Up to the snapshot; after it. */
  readonly before: readonly Command[];
  readonly after: readonly Command[];
}

/**
 * Expects a machine and its copy to do alike. `entriesFor` makes the entries whose policies tell a list what they
 * answer; undefined: the shipped ones, which tell nothing.
 */
export function expectCopyGoesOn(
  { policies, before, after }: Drive,
  entriesFor: (told: unknown[]) => readonly PolicyEntry[] = () => policyEntries,
): void {
  const did: [unknown[], unknown[]] = [[], []];
  const original = new Side(new GatewayMachine(initOf(policies, 0, entriesFor(did[0]))), [], did[0]);
  let now = 0;
  let id = 0;
  const step = (each: Command, sides: readonly Side[]): void => {
    if (each.do === 'pass') now += each.us;
    if (each.do === 'arrive') id++;
    for (const side of sides) side.play(now, each, id);
  };
  for (const each of [{ do: 'discovered' as const, mask: 15 }, ...before]) step(each, [original]);
  const text = stateText(snapshotOf(original, 1));
  const restored = (): Side => {
    const { machine, attempts } = restoredMachine(initOf(policies, 1, entriesFor(did[1])), toldBy(text));
    machine.gateway.checkInvariants();
    return new Side(machine, attempts, did[1]);
  };
  const copy = restored();
  // Another one, since a snapshot makes draws begin anew.
  expect(stateText(snapshotOf(restored(), 1))).toBe(text);
  original.attempts.sort((a, b) => a.id - b.id);
  for (const each of did) each.length = 0;
  for (const each of after) step(each, [original, copy]);
  const parted = did[0].findIndex((each, i) => !isDeepStrictEqual(each, did[1][i]));
  // Only where they part: a difference of two long lists takes long to print, and shrinking asks for many.
  if (parted >= 0) expect([parted, did[1][parted]]).toEqual([parted, did[0][parted]]);
  expect(did[1]).toHaveLength(did[0].length);
  expect(stateText(snapshotOf(copy, 2))).toBe(stateText(snapshotOf(original, 2)));
}

/** Read anew for each machine: policies may keep what they are given. */
function toldBy(text: string): MachineSnapshot {
  return readState(JSON.parse(text)) as MachineSnapshot;
}
