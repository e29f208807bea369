import { describe, expect, it } from 'vitest';
import type { Answer, Arrival } from '../../src/workload/arrival.ts';
import type { ClosedWorkloadConfig, MixedWorkloadConfig, OpenWorkloadConfig } from '../../src/workload/config.ts';
import { MixedWorkload } from '../../src/workload/mixed.ts';
import { OpenWorkload } from '../../src/workload/open.ts';

const SEC = 1e6;
const OK: Answer = { ok: true, cause: '', isLate: false, status: 200, retryAfterUs: -1 };
const tokens = (value: number) => ({ dist: 'constant', value }) as const;
const tenant = (name: string) => [{ name, weight: 1, priority: 0 }];

const chat: OpenWorkloadConfig = {
  kind: 'open',
  arrivals: { process: 'constant', ratePerSec: 1 },
  prompt: tokens(100),
  output: tokens(10),
  prefix: { groups: 1, tokens: 32, share: 1, blockTokens: 16 },
  tenants: tenant('chat'),
  durationUs: 4 * SEC,
  requests: Infinity,
};
const batch: ClosedWorkloadConfig = {
  kind: 'closed',
  users: 1,
  thinkUs: tokens(0),
  rampUs: 0,
  prompt: tokens(900),
  output: tokens(90),
  prefix: { groups: 1, tokens: 32, share: 1, blockTokens: 16 },
  tenants: tenant('batch'),
  durationUs: Infinity,
  requests: 3,
};
const both: MixedWorkloadConfig = {
  kind: 'mix',
  parts: [
    { name: 'chat', fromUs: 0, workload: chat },
    { name: 'batch', fromUs: 2 * SEC, workload: batch },
  ],
};

/** All there is to send, each answered after so long where its part waits for it. */
function sent(workload: MixedWorkload, answerUs: number): Arrival[] {
  const all: Arrival[] = [];
  const due: { readonly at: number; readonly arrival: Arrival }[] = [];
  while (!workload.ended()) {
    const [first] = due;
    if (first !== undefined && first.at <= workload.nextAt()) {
      due.shift();
      workload.completed(first.at, first.arrival, OK);
      continue;
    }
    const arrival = workload.take();
    all.push(arrival);
    due.push({ at: arrival.at + answerUs, arrival });
  }
  return all;
}

describe('a mixed workload', () => {
  it('sends what each part sends, from its own begin, the one named first at one instant', () => {
    const all = sent(new MixedWorkload(both, 1), 1.5 * SEC).map(({ at, tenant: name }) => [at / SEC, name]);
    expect(all).toEqual([
      [0, 'chat'],
      [1, 'chat'],
      [2, 'chat'],
      [2, 'batch'],
      [3, 'chat'],
      [3.5, 'batch'],
      [5, 'batch'],
    ]);
  });

  it('gives parts no text in common', () => {
    const ids = (name: string) => {
      const all = sent(new MixedWorkload(both, 1), SEC).filter((arrival) => arrival.tenant === name);
      return new Set(all.flatMap(({ hashIds }) => hashIds));
    };
    const [one, other] = [ids('chat'), ids('batch')];
    expect([one.size, other.size]).toEqual([2, 2]);
    expect([...one].filter((id) => other.has(id))).toEqual([]);
  });

  it('sends of one part the same whatever others there are', () => {
    const poisson: OpenWorkloadConfig = { ...chat, arrivals: { process: 'poisson', ratePerSec: 5 }, prefix: undefined };
    const parts = [{ name: 'chat', fromUs: 0, workload: poisson }];
    const alone = sent(new MixedWorkload({ kind: 'mix', parts }, 7), 0);
    const beside = sent(new MixedWorkload({ kind: 'mix', parts: [...both.parts.slice(1), ...parts] }, 7), 0);
    expect(alone.length).toBeGreaterThan(5);
    expect(beside.filter(({ tenant: name }) => name === 'chat')).toEqual(alone);
  });

  it('draws otherwise than a workload by itself, and otherwise for each name', () => {
    const poisson: OpenWorkloadConfig = { ...chat, arrivals: { process: 'poisson', ratePerSec: 5 } };
    const firstOf = (name: string) => {
      return new MixedWorkload({ kind: 'mix', parts: [{ name, fromUs: 0, workload: poisson }] }, 7).nextAt();
    };
    expect(new Set([firstOf('a'), firstOf('b'), new OpenWorkload(poisson, 7).nextAt()]).size).toBe(3);
  });

  it('knows how many requests there are where every part does', () => {
    const counted = { ...chat, durationUs: Infinity, requests: 5 };
    const parts = [{ name: 'chat', fromUs: 0, workload: counted }, ...both.parts.slice(1)];
    expect(new MixedWorkload({ kind: 'mix', parts }, 1).total()).toBe(8);
    expect(new MixedWorkload(both, 1).total()).toBe(undefined);
  });
});
