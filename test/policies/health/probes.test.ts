import { describe, expect, it } from 'vitest';
import type { ProbesConfig } from '../../../policies/health/config.ts';
import { Probes, probes } from '../../../policies/health/probes.ts';
import type { Probe } from '../../../policies/health/types.ts';

const HISTORIC = probes.variants['smg-2026-08-07'];

function make(fields: Partial<ProbesConfig> = {}, workers = [0]) {
  const config = { ...probes.config.parse({ name: 'probes' }), interval: 100, timeout: 10, ...fields };
  const health = new Probes(config);
  health.discovered(0, workers);
  return health;
}

function launchAll(health: Probes, now: number): Probe[] {
  const launched: Probe[] = [];
  for (let probe = health.launch(now); probe !== undefined; probe = health.launch(now)) launched.push(probe);
  return launched;
}

/** One probe per answer, each as soon as it is due; the statuses after them. */
function statuses(health: Probes, answers: string): string {
  return [...answers]
    .map((answer) => {
      const now = health.nextProbeAt();
      const probe = health.launch(now) as Probe;
      health.settled(now + 1, probe, answer === '+');
      return health.status(0);
    })
    .join(' ');
}

describe('Probes', () => {
  it('probes a new worker at once, then every interval from launch, one at a time', () => {
    const health = make();
    expect(health.nextProbeAt()).toBe(0);
    const [first] = launchAll(health, 5);
    expect(first).toEqual({ id: 0, worker: 0, launchedAt: 5, timeoutAt: 15 });
    expect([health.nextProbeAt(), health.launch(500)]).toEqual([Infinity, undefined]);
    health.settled(9, first as Probe, true);
    expect([health.nextProbeAt(), health.launch(104)]).toEqual([105, undefined]);
    const [second] = launchAll(health, 105);
    health.settled(300, second as Probe, true);
    expect(health.nextProbeAt()).toBe(300);
  });

  it('keeps at most concurrencyMax probes out', () => {
    const health = make({ concurrencyMax: 2 }, [0, 1, 2]);
    const [first] = launchAll(health, 0);
    expect([health.held(), health.nextProbeAt()]).toEqual([{ probes: 2 }, Infinity]);
    health.settled(3, first as Probe, true);
    expect(launchAll(health, 3)).toMatchObject([{ worker: 2 }]);
  });

  it('says what changed', () => {
    const health = make({ successThreshold: 1, failureThreshold: 1, removeFailed: true });
    const change = (ok: boolean) => {
      const now = health.nextProbeAt();
      return health.settled(now, health.launch(now) as Probe, ok);
    };
    expect(change(true)).toEqual({ worker: 0, from: 'pending', to: 'ready', remove: false });
    expect(change(true)).toBeUndefined();
    expect(change(false)).toEqual({ worker: 0, from: 'ready', to: 'not-ready', remove: false });
    expect([change(false), change(false)]).toEqual([undefined, undefined]);
    expect(change(false)).toEqual({ worker: 0, from: 'not-ready', to: 'failed', remove: true });
  });

  it('takes each probe once and ignores what is void', () => {
    const health = make({ successThreshold: 1 }, [0, 1]);
    const [zero, one] = launchAll(health, 0) as [Probe, Probe];
    expect(health.settled(1, { ...zero }, true)).toBeUndefined();
    expect(health.settled(1, zero, true)?.to).toBe('ready');
    expect(health.settled(2, zero, true)).toBeUndefined();
    health.replaced(3, 1);
    expect(health.settled(4, one, true)).toBeUndefined();
    expect([health.status(1), health.held()]).toEqual(['pending', { probes: 0 }]);
    health.discovered(5, [0]);
    expect([health.status(1), health.nextProbeAt()]).toEqual(['failed', 100]);
  });

  it('probes a draining worker no more and says when to remove it', () => {
    const health = make({ drainSettle: 7 });
    const [probe] = launchAll(health, 0);
    expect(health.drain(1, 0)).toBe(8);
    expect([health.settled(2, probe as Probe, true), health.status(0)]).toEqual([undefined, 'draining']);
    expect(health.nextProbeAt()).toBe(Infinity);
  });

  it('fails no worker for a good probe, and lets a failed one recover', () => {
    const pending = make({ failureThreshold: 1, successThreshold: 2 });
    expect(statuses(pending, '-+-+-+-+-+')).toMatch(/pending$/);
    expect(statuses(pending, '-++')).toBe('failed failed ready');
  });

  it('fails a worker for its last good probe, and for ever (smg-2026-08-07)', () => {
    const health = make({ ...HISTORIC, startStatus: 'pending', failureThreshold: 1, successThreshold: 2 });
    expect(statuses(health, '-+-+-+-+-+')).toMatch(/pending failed$/);
    expect(health.nextProbeAt()).toBe(Infinity);
  });

  it('takes a worker as ready before its first probe (smg-2026-08-07)', () => {
    expect([make().status(0), make(HISTORIC).status(0)]).toEqual(['pending', 'ready']);
  });

  it('has the command-line defaults of smg', () => {
    expect(probes.config.parse({ name: 'probes' })).toMatchObject({
      ...{ failureThreshold: 3, successThreshold: 2, interval: 60e6, timeout: 5e6, drainSettle: 5e6 },
    });
  });
});
