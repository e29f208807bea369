import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../../policies/breaker/evidence.ts';
import { LazyCircuit } from '../../../policies/breaker/lazy-circuit.ts';

const MS = 1000;

/** Opens at two failures in a row, closes at two successes, open for 5 ms. */
function make(): LazyCircuit {
  return new LazyCircuit({ failureThreshold: 2, successThreshold: 2, openFor: 5 * MS });
}

function play(circuit: LazyCircuit, now: number, ...evidence: readonly Evidence[]): string {
  for (const each of evidence) circuit.settled(now, 0, each);
  return circuit.state;
}

/** Opened at 10 ms and asked when its cool-down was over. */
function halfOpen(): LazyCircuit {
  const circuit = make();
  play(circuit, 10 * MS, 'failure', 'failure');
  circuit.allows(15 * MS);
  return circuit;
}

describe('LazyCircuit', () => {
  it.each<[readonly Evidence[], string]>([
    [['failure'], 'closed'],
    [['failure', 'failure'], 'open'],
    [['failure', 'success', 'failure'], 'closed'],
    [['failure', 'neutral', 'failure'], 'open'],
    [['success', 'success', 'success'], 'closed'],
  ])('after %j, however old, it is: %s', (evidence, state) => {
    expect(play(make(), 1e9, ...evidence)).toBe(state);
  });

  it('notices the end of its cool-down only when it is asked', () => {
    const circuit = make();
    play(circuit, 10 * MS, 'failure', 'failure');
    expect([circuit.allows(15 * MS - 1), circuit.state]).toEqual([false, 'open']);
    // An outcome that comes after it but before any question still arrives in open.
    expect(play(circuit, 20 * MS, 'success', 'success')).toBe('open');
    expect([circuit.allows(15 * MS), circuit.state]).toEqual([true, 'half-open']);
  });

  it('reads the time in whole milliseconds', () => {
    const circuit = new LazyCircuit({ failureThreshold: 1, successThreshold: 1, openFor: 1.5 * MS });
    play(circuit, 10.9 * MS, 'failure');
    expect([circuit.allows(11.99 * MS), circuit.allows(12 * MS)]).toEqual([false, true]);
  });

  it.each<[readonly Evidence[], string]>([
    [['success'], 'half-open'],
    [['success', 'success'], 'closed'],
    [['success', 'neutral', 'success'], 'closed'],
    [['failure'], 'open'],
    [['success', 'failure'], 'open'],
    [['neutral'], 'half-open'],
  ])('half-open, after %j it is: %s', (evidence, state) => {
    expect(play(halfOpen(), 16 * MS, ...evidence)).toBe(state);
  });

  it('lets everyone through half-open', () => {
    const circuit = halfOpen();
    circuit.granted();
    expect([1, 2, 3].map(() => circuit.allows(16 * MS))).toEqual([true, true, true]);
  });

  it('counts runs, which a move ends, and totals', () => {
    const circuit = make();
    play(circuit, 0, 'success', 'failure', 'success', 'failure');
    expect(circuit.counts).toEqual({ consecutiveFailures: 1, consecutiveSuccesses: 0, failures: 2, successes: 2 });
    play(circuit, 10 * MS, 'failure');
    // Opening keeps the run that opened it.
    expect(circuit.counts).toEqual({ consecutiveFailures: 2, consecutiveSuccesses: 0, failures: 3, successes: 2 });
    circuit.allows(15 * MS);
    expect(circuit.counts).toMatchObject({ consecutiveFailures: 0, consecutiveSuccesses: 0 });
    play(circuit, 16 * MS, 'success');
    expect(circuit.counts).toMatchObject({ consecutiveSuccesses: 1, successes: 3 });
    play(circuit, 16 * MS, 'success');
    expect(circuit.counts).toMatchObject({ consecutiveFailures: 0, consecutiveSuccesses: 0, successes: 4 });
  });

  it('says when it will open for a probe, while that is to come', () => {
    const circuit = make();
    expect(circuit.reconsiderAt(0)).toBe(Infinity);
    play(circuit, 10 * MS, 'failure', 'failure');
    expect([14 * MS, 15 * MS, 16 * MS].map((now) => circuit.reconsiderAt(now))).toEqual([15 * MS, Infinity, Infinity]);
    circuit.allows(16 * MS);
    expect(circuit.reconsiderAt(16 * MS)).toBe(Infinity);
  });

  it('can be opened by hand, which does not prolong a cool-down, and reset', () => {
    const circuit = make();
    circuit.forceOpen(10 * MS);
    circuit.forceOpen(14 * MS);
    expect([circuit.state, circuit.allows(15 * MS)]).toEqual(['open', true]);
    const failing = make();
    play(failing, 0, 'failure');
    failing.reset(1);
    expect([failing.counts.consecutiveFailures, play(failing, 2, 'failure')]).toEqual([0, 'closed']);
    play(failing, 3, 'failure');
    failing.renew();
    expect([failing.state, failing.counts.consecutiveFailures, failing.allows(3)]).toEqual(['closed', 0, true]);
    const lucky = halfOpen();
    play(lucky, 16 * MS, 'success');
    lucky.reset(16 * MS);
    expect([lucky.state, lucky.counts.consecutiveSuccesses]).toEqual(['closed', 0]);
  });

  it('starts a returning worker afresh while it is closed, too', () => {
    const circuit = make();
    play(circuit, 0, 'success');
    circuit.renew();
    expect(circuit.counts).toEqual({ consecutiveFailures: 0, consecutiveSuccesses: 0, failures: 0, successes: 1 });
  });
});
