import { describe, expect, it } from 'vitest';
import { SampleWindow } from '../../../policies/limit/sample-window.ts';
import { LeaseSampler } from '../../../policies/limit/sampler.ts';
import { ended, lease } from './leases.ts';

function make(signal: 'ttft' | 'e2e' = 'ttft') {
  const sampler = new LeaseSampler(signal);
  for (const id of [1, 2, 3]) sampler.granted(lease(id, 10));
  return sampler;
}

const good = (latencyUs: number, inFlight: number) => ({ latencyUs, inFlight, dropped: false });
const drop = (inFlight: number) => ({ latencyUs: -1, inFlight, dropped: true });

describe('LeaseSampler', () => {
  it('samples the first token once, beside all leases held', () => {
    const sampler = make();
    expect(sampler.firstToken(60, lease(2, 10))).toEqual(good(50, 3));
    expect(sampler.firstToken(70, lease(2, 10))).toBeUndefined();
    expect(sampler.settled(90, lease(2, 10), ended('ok'))).toBeUndefined();
    expect(sampler.firstToken(95, lease(1, 10))).toEqual(good(85, 2));
  });

  it('samples the end of a reply that had no first token', () => {
    expect(make().settled(90, lease(1, 10), ended('ok'))).toEqual(good(80, 3));
  });

  it('samples only the end with the signal e2e', () => {
    const sampler = make('e2e');
    expect(sampler.firstToken(60, lease(2, 10))).toBeUndefined();
    expect(sampler.settled(90, lease(2, 10), ended('ok'))).toEqual(good(80, 3));
  });

  it.each(['refused', 'timeout'] as const)('takes an attempt that ended as %s for a drop', (outcome) => {
    expect(make().settled(11, lease(1, 10), ended(outcome))).toEqual(drop(3));
  });

  it('takes a timeout after the first token for a drop besides', () => {
    const sampler = make();
    sampler.firstToken(60, lease(2, 10));
    expect(sampler.settled(90, lease(2, 10), ended('timeout'))).toEqual(drop(3));
  });

  it.each(['failed', 'cancelled'] as const)('learns nothing from an attempt that ended as %s', (outcome) => {
    const sampler = make();
    expect(sampler.settled(90, lease(1, 10), ended(outcome))).toBeUndefined();
    expect(sampler.settled(90, lease(2, 10), ended('refused'))).toEqual(drop(2));
  });

  it('ignores leases it does not hold', () => {
    const sampler = make();
    expect(sampler.firstToken(90, lease(9))).toBeUndefined();
    expect(sampler.settled(90, lease(9), ended('timeout'))).toBeUndefined();
    expect(sampler.settled(90, lease(9), ended('ok'))).toBeUndefined();
  });
});

describe('SampleWindow', () => {
  it('passes every sample on without a window', () => {
    expect(new SampleWindow(0, 10).add(5, good(7, 1))).toEqual(good(7, 1));
  });

  it('averages latencies, takes the most in flight and any drop', () => {
    const window = new SampleWindow(100, 2);
    expect(window.add(0, good(10, 4))).toBeUndefined();
    expect(window.add(50, drop(9))).toBeUndefined();
    expect(window.add(100, good(30, 5))).toEqual({ latencyUs: 20, inFlight: 9, dropped: true });
    expect(window.add(150, good(8, 1))).toBeUndefined();
    expect(window.add(200, good(12, 2))).toEqual(good(10, 2));
  });

  it('waits for enough samples however long it takes', () => {
    const window = new SampleWindow(100, 3);
    expect([0, 500, 900].map((now) => window.add(now, good(6, 1)))).toEqual([undefined, undefined, good(6, 1)]);
  });

  it('has no latency when all of it were drops', () => {
    const window = new SampleWindow(100, 2);
    window.add(0, drop(3));
    expect(window.add(100, drop(2))).toEqual(drop(3));
  });
});
