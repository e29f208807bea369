import { describe, expect, it } from 'vitest';
import { Breaker, breaker } from '../../../policies/breaker/breaker.ts';
import type { BreakerConfig } from '../../../policies/breaker/config.ts';
import { evidenceOf } from '../../../policies/breaker/evidence.ts';
import { LazyCircuit } from '../../../policies/breaker/lazy-circuit.ts';
import type { AttemptOutcome, AttemptResult } from '../../../policies/types.ts';
import { attemptResult, requestView, workerView } from '../views.ts';

const HISTORIC = breaker.variants['smg-2026-08-07'] as Partial<BreakerConfig>;
const SETTINGS = { failureThreshold: 2, successThreshold: 2, openFor: 1000, window: 500, samplesMax: 3, probesMax: 2 };

function make(fields: Partial<BreakerConfig> = {}) {
  const config = { ...breaker.config.parse({ name: 'breaker' }), ...SETTINGS, probeTimeout: 300, ...fields };
  return new Driver(new Breaker(config));
}

/** One gateway's attempts on worker 0, unless said otherwise. */
class Driver {
  readonly policy: Breaker;
  #attempts = 0;

  constructor(policy: Breaker) {
    this.policy = policy;
  }

  allows(now: number, index = 0): boolean {
    return this.policy.allows(now, workerView({ index }));
  }

  grant(now: number, index = 0) {
    const attempt = { id: this.#attempts++, request: requestView(), worker: workerView({ index }), startedAt: now };
    this.policy.granted(now, attempt);
    return (at: number, result: Partial<AttemptResult> | 'ok') => {
      const given = result === 'ok' ? ({ outcome: 'ok', status: 200 } as const) : result;
      this.policy.settled(at, attempt, attemptResult(given));
    };
  }

  /** Attempts of no duration. */
  end(now: number, ...results: (Partial<AttemptResult> | 'ok')[]): void {
    for (const result of results) this.grant(now)(now, result);
  }
}

const FAILED = { outcome: 'failed', status: 500 } as const;

describe('evidenceOf', () => {
  const repaired = breaker.config.parse({ name: 'breaker' });
  const historic = { ...repaired, ...HISTORIC };

  it.each([
    ['ok', 200, 'success', 'success'],
    ['ok', 0, 'success', 'success'],
    ['failed', 500, 'failure', 'failure'],
    ['failed', 502, 'failure', 'failure'],
    ['failed', 504, 'failure', 'failure'],
    ['failed', 501, 'neutral', 'success'],
    ['refused', 503, 'neutral', 'failure'],
    ['refused', 429, 'neutral', 'failure'],
    ['failed', 408, 'neutral', 'failure'],
    ['failed', 400, 'neutral', 'success'],
    ['failed', 404, 'neutral', 'success'],
    ['refused', 0, 'failure', 'failure'],
    ['timeout', 0, 'failure', 'failure'],
    ['failed', 0, 'failure', 'failure'],
    ['failed', 200, 'failure', 'success'],
    ['cancelled', 0, 'neutral', 'neutral'],
    ['cancelled', 500, 'neutral', 'neutral'],
  ] as const)('takes %s with status %d as %s (smg-2026-08-07: %s)', (outcome: AttemptOutcome, status, now, then) => {
    const result = attemptResult({ outcome, status });
    expect([evidenceOf(result, repaired), evidenceOf(result, historic)]).toEqual([now, then]);
  });
});

describe('Breaker', () => {
  it('opens at the threshold and lets probes through after the cool-down', () => {
    const gate = make();
    gate.end(0, FAILED);
    expect(gate.allows(0)).toBe(true);
    gate.end(10, FAILED);
    expect([10, 1009, 1010].map((now) => gate.allows(now))).toEqual([false, false, true]);
    expect([10, 1009, 1010].map((now) => gate.policy.reconsiderAt(now))).toEqual([1010, 1010, Infinity]);
  });

  it('forgets a failure after the window', () => {
    const gate = make();
    gate.end(0, FAILED);
    gate.end(500, FAILED);
    expect(gate.allows(500)).toBe(true);
    gate.end(999, FAILED);
    expect(gate.allows(999)).toBe(false);
  });

  it('opens on failures that alternate with successes, and not on rare ones', () => {
    const alternating = make();
    alternating.end(0, FAILED, 'ok', FAILED);
    expect(alternating.allows(0)).toBe(false);
    const rare = make();
    rare.end(0, FAILED, 'ok', 'ok', FAILED, 'ok', 'ok', FAILED);
    expect(rare.allows(0)).toBe(true);
  });

  it('counts neutral ends as nothing', () => {
    const gate = make();
    gate.end(0, FAILED, { outcome: 'refused', status: 429 }, { outcome: 'cancelled' }, { status: 400 });
    expect(gate.allows(0)).toBe(true);
    gate.end(0, FAILED);
    expect(gate.allows(0)).toBe(false);
  });

  it('closes after enough successful probes, and a failed one opens it again', () => {
    const gate = make();
    gate.end(0, FAILED, FAILED);
    const [first, second] = [gate.grant(1000), gate.grant(1001)];
    expect(gate.allows(1001)).toBe(false);
    first(1100, 'ok');
    expect(gate.allows(1100)).toBe(true);
    const third = gate.grant(1100);
    second(1200, FAILED);
    expect([gate.allows(2199), gate.policy.reconsiderAt(1200)]).toEqual([false, 2200]);
    third(1300, 'ok');
    gate.end(2200, 'ok');
    expect(gate.allows(2200)).toBe(true);
    gate.end(2200, 'ok');
    gate.end(2201, FAILED);
    expect(gate.allows(2201)).toBe(true);
  });

  it('takes no reply to an attempt from before as evidence', () => {
    const gate = make({ probesMax: 1, successThreshold: 1 });
    const before = [gate.grant(0), gate.grant(0), gate.grant(0), gate.grant(0)];
    gate.end(0, FAILED, FAILED);
    const probe = gate.grant(1000);
    before[0]?.(1001, 'ok');
    before[1]?.(1001, FAILED);
    expect([gate.allows(1001), gate.policy.reconsiderAt(1001)]).toEqual([false, 1300]);
    probe(1002, 'ok');
    before[2]?.(1003, FAILED);
    before[3]?.(1003, FAILED);
    expect(gate.allows(1003)).toBe(true);
  });

  it('frees the place of a cancelled probe', () => {
    const gate = make({ probesMax: 1 });
    gate.end(0, FAILED, FAILED);
    gate.grant(1000)(1001, { outcome: 'cancelled' });
    expect(gate.allows(1001)).toBe(true);
  });

  it('makes room beside a probe that nobody answers, and still hears its answer', () => {
    const gate = make({ probesMax: 1, successThreshold: 1 });
    gate.end(0, FAILED, FAILED);
    const slow = gate.grant(1000);
    expect([gate.allows(1299), gate.policy.reconsiderAt(1299)]).toEqual([false, 1300]);
    expect([gate.allows(1300), gate.policy.reconsiderAt(1300)]).toEqual([true, Infinity]);
    gate.grant(1300);
    expect([gate.allows(1300), gate.policy.reconsiderAt(1300)]).toEqual([false, 1600]);
    slow(1400, 'ok');
    expect(gate.allows(1400)).toBe(true);
  });

  it('knows each worker by itself and names the earliest expiry', () => {
    const gate = make();
    for (const [index, now] of [0, 100].entries()) {
      gate.grant(now, index)(now, FAILED);
      gate.grant(now, index)(now, FAILED);
    }
    expect([gate.allows(1050), gate.allows(1050, 1), gate.allows(1050, 2)]).toEqual([true, false, true]);
    expect([gate.policy.reconsiderAt(100), gate.policy.reconsiderAt(1050)]).toEqual([1000, 1100]);
  });

  it('gives a worker that left and came back a closed circuit', () => {
    const gate = make();
    gate.policy.discovered(0, [0, 1]);
    const before = gate.grant(0);
    gate.end(0, FAILED, FAILED);
    gate.policy.discovered(1, [0, 1]);
    expect(gate.allows(1)).toBe(false);
    gate.policy.discovered(2, [1]);
    gate.policy.discovered(3, [0, 1]);
    expect(gate.allows(3)).toBe(true);
    before(4, FAILED);
    gate.end(4, FAILED);
    expect(gate.allows(4)).toBe(true);
  });

  it('refuses to be granted what it does not allow', () => {
    const gate = make();
    gate.end(0, FAILED, FAILED);
    expect(() => gate.grant(1)).toThrow('an attempt was granted that the breaker does not allow');
  });

  it('lets everyone through half-open, counts every outcome and notices expiry when asked (smg-2026-08-07)', () => {
    const gate = make(HISTORIC);
    const before = [gate.grant(0), gate.grant(0)];
    gate.end(0, FAILED, 'ok', FAILED, FAILED);
    expect([gate.allows(999), gate.policy.reconsiderAt(999)]).toEqual([false, 1000]);
    before[0]?.(1500, 'ok');
    expect(gate.policy.reconsiderAt(1500)).toBe(Infinity);
    for (let i = 0; i < 50; i++) gate.grant(1500);
    expect(gate.allows(1500)).toBe(true);
    before[1]?.(1501, FAILED);
    expect([gate.allows(1501), gate.policy.reconsiderAt(1501)]).toEqual([false, 2000]);
  });

  it('never forgets a failure and never opens on alternation (smg-2026-08-07)', () => {
    const gate = make(HISTORIC);
    gate.end(0, FAILED, 'ok', FAILED, 'ok', FAILED);
    expect(gate.allows(0)).toBe(true);
    gate.end(1e9, FAILED);
    expect(gate.allows(1e9)).toBe(false);
  });

  it('is not kept open longer by force, and is closed by a reset (smg-2026-08-07)', () => {
    const circuit = new LazyCircuit({ failureThreshold: 1, successThreshold: 1, openFor: 1000 });
    circuit.settled(0, 0, 'failure');
    circuit.forceOpen(5000);
    expect([circuit.state, circuit.reconsiderAt(0), circuit.allows(5000)]).toEqual(['open', 1000, true]);
    circuit.forceOpen(5000);
    circuit.reset(5000);
    expect([circuit.state, circuit.allows(5000), circuit.reconsiderAt(5000)]).toEqual(['closed', true, Infinity]);
  });

  it('has the command-line defaults of smg', () => {
    expect(breaker.config.parse({ name: 'breaker' })).toMatchObject({
      ...{ failureThreshold: 10, successThreshold: 3, openFor: 60e6, window: 120e6 },
    });
  });

  it('refuses to look at fewer outcomes than it needs failures', () => {
    const parsed = breaker.config.safeParse({ name: 'breaker', failureThreshold: 30 });
    const issue = { path: ['samplesMax'], message: 'expected at least failureThreshold' };
    expect(parsed.error?.issues).toMatchObject([issue]);
  });
});
