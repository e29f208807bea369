import { describe, expect, it } from 'vitest';
import { probesConfig } from '../../policies/health/config.ts';
import { Probes } from '../../policies/health/probes.ts';
import type { Probe, StatusChange } from '../../policies/health/types.ts';
import type { Router } from '../../policies/types.ts';
import type { FaultConfig } from '../../src/sim/fault-config.ts';
import { endpoint, MS, runWorld, sendAt, SEC, type WorldSpec } from '../harness/world-builder.ts';

class Told implements Router {
  readonly told: string[] = [];

  pick(): number {
    return 0;
  }

  discovered(now: number, workers: readonly number[]): void {
    this.told.push(`${now / MS} fleet ${workers.join(' ')}`);
  }

  statusChanged(now: number, worker: number, status: string): void {
    this.told.push(`${now / MS} ${worker} ${status}`);
  }
}

class Counting extends Probes {
  readonly launched: number[] = [];
  readonly handedBack: number[] = [];

  override launch(now: number): Probe | undefined {
    const probe = super.launch(now);
    if (probe !== undefined) this.launched.push(probe.id);
    return probe;
  }

  override settled(now: number, probe: Probe, ok: boolean): StatusChange | undefined {
    this.handedBack.push(probe.id);
    return super.settled(now, probe, ok);
  }
}

const PROBES = { name: 'probes', interval: '10ms', timeout: '5ms', failureThreshold: 2, successThreshold: 1 };

/** What the gateway is told of its fleet until 120 ms. */
function told(faults: readonly FaultConfig[], settings: object = {}, spec: WorldSpec = {}): string[] {
  const router = new Told();
  const { state } = runWorld({
    faults,
    // A fixed delay has no say where probes have.
    detectionUs: 0,
    workload: sendAt(0, 120 * MS),
    policies: { health: { ...PROBES, ...settings } },
    objects: { router },
    ...spec,
  });
  expect(state).toBe('done');
  return router.told;
}

const at = { at: 25 * MS, worker: 0 };

describe('a health policy', () => {
  it('makes a worker ready by its probes, one hop there and one back', () => {
    expect(told([])).toEqual(['0 fleet 0', '0 0 ready']);
    const far = { network: { clientUs: 0, workerUs: 1_500 } };
    expect(told([], {}, far)).toEqual(['0 fleet 0', '3 0 ready']);
    expect(told([], { startStatus: 'ready' }, far)).toEqual(['0 fleet 0', '0 0 ready']);
  });

  it('finds a crash by refused probes, and the return', () => {
    expect(told([{ kind: 'crash', ...at, forUs: 30 * MS }]).slice(2)).toEqual(['40 0 not-ready', '60 0 ready']);
  });

  it('finds a hang by probes that time out, unless it is over before', () => {
    const hang = { kind: 'hang', ...at, scope: 'process' } as const;
    // Probes of 30 and 40 fail 5 ms later; that of 50 is answered when the worker goes on.
    expect(told([{ ...hang, forUs: 28 * MS }]).slice(2)).toEqual(['45 0 not-ready', '53 0 ready']);
    expect(told([{ ...hang, forUs: 19 * MS }]).slice(2)).toEqual([]);
  });

  it('takes an answer at the very instant of the timeout', () => {
    const hang = { kind: 'hang', ...at, scope: 'process', forUs: 10 * MS } as const;
    expect(told([hang], { failureThreshold: 1 }).slice(2)).toEqual([]);
    expect(told([{ ...hang, forUs: 10 * MS + 1 }], { failureThreshold: 1 }).slice(2)).not.toEqual([]);
  });

  it('has a probe refused that waits at a worker which then dies', () => {
    const hang = { kind: 'hang', ...at, scope: 'process', forUs: 28 * MS } as const;
    const crash = { kind: 'crash', at: 32 * MS, forUs: 1 * SEC, worker: 0 } as const;
    expect(told([hang, crash], { failureThreshold: 1 })[2]).toBe('32 0 not-ready');
  });

  it('misses a stuck engine beside a live server', () => {
    expect(told([{ kind: 'hang', ...at, forUs: 60 * MS, scope: 'engine' }]).slice(2)).toEqual([]);
  });

  it('loses probes to a partition of probes alone', () => {
    const lost = (...loses: ('requests' | 'reports' | 'probes')[]) =>
      told([{ kind: 'partition', ...at, forUs: 30 * MS, loses }]).slice(2);
    expect(lost('probes')).toEqual(['45 0 not-ready', '60 0 ready']);
    expect(lost('requests', 'reports')).toEqual([]);
  });

  it('takes a failed worker out of the fleet, which joins again when it is back', () => {
    const settings = { failureThreshold: 1, removeFailed: true };
    // Not ready at 30; three more failures.
    expect(told([{ kind: 'crash', ...at, forUs: 50 * MS }], settings).slice(2)).toEqual([
      ...['30 0 not-ready', '60 0 failed', '60 fleet ', '75 fleet 0', '75 0 ready'],
    ]);
  });

  it('probes afresh a worker that restarts or joins', () => {
    const restart = told([{ kind: 'restart', ...at, forUs: 20 * MS }]).slice(2);
    expect(restart).toEqual(['25 0 pending', '45 0 ready']);
    const join = told([{ kind: 'join', ...at, loadUs: 12 * MS }]);
    expect(join).toEqual(['0 fleet ', '25 fleet 0', '45 0 ready']);
  });

  it('lets a draining worker be gone in time, whatever it still does', () => {
    const drain = { kind: 'drain', ...at, boundUs: 1 * SEC, forUs: Infinity, loadUs: 0 } as const;
    const workers = [endpoint({ serviceUs: { dist: 'constant', value: 80 * MS } })];
    const seen = told([drain], { drainSettle: '20ms' }, { workers, workload: sendAt(0) });
    expect(seen.slice(2)).toEqual(['25 0 draining', '45 fleet ']);
  });

  it('is not made late by a busy gateway, but what it found is', () => {
    const stall = { kind: 'stall', host: 'gateway', at: 28 * MS, forUs: 30 * MS } as const;
    const workload = sendAt(0, 120 * MS, 200 * MS);
    const seen = told([{ kind: 'crash', ...at, forUs: 300 * MS }, stall], {}, { workload });
    expect(seen.slice(2, 4)).toEqual(['58 0 not-ready', '100 0 failed']);
  });

  it('is handed each probe back once, whether it was answered, lost or too late', () => {
    const health = new Counting(probesConfig.parse({ ...PROBES, failureThreshold: 1 }));
    const hang = { kind: 'hang', ...at, scope: 'process', forUs: 28 * MS } as const;
    const lost = { kind: 'partition', at: 70 * MS, forUs: 30 * MS, worker: 0, loses: ['probes'] } as const;
    runWorld({ faults: [hang, lost], workload: sendAt(0, 120 * MS), objects: { health } });
    expect(health.launched.length).toBeGreaterThan(10);
    // All but one that may be out at the end.
    expect(health.launched.length - health.handedBack.length).toBeLessThanOrEqual(1);
    expect(new Set(health.handedBack).size).toBe(health.handedBack.length);
  });

  it('leaves a run that has nothing left to do', () => {
    const { world, state } = runWorld({ policies: { health: PROBES }, workload: sendAt(0) });
    expect([state, world.endedAt]).toEqual(['done', 10 * MS]);
  });
});
