/**
 * Decides when each worker is probed and what its answers make of it. A worker is probed as soon as it is known
 * and then every `interval` after the launch of the last probe, or after its end when that came later: one
 * probe per worker at a time. At most `concurrencyMax` are out; the others wait in the order they came due.
 * Probes find idle and returning workers that no traffic would reach; the breaker (breaker/) learns from
 * traffic and is faster under load.
 *
 * Regimes: detection takes between F − 1 and F intervals plus one timeout, so at the defaults a crash costs two
 * to three minutes of attempts unless a breaker stands beside it. Limits: an engine that answers probes and no
 * requests stays ready. A draining worker is not probed; a failed one is, unless `failed: terminal`.
 *
 * Source: smg worker/manager.rs at 73da68ca9 (statuses: status.ts). Left out: the connect signal of ZMQ
 * workers, and the one interval by which upstream delays first probes after its own restart.
 */
import { assert } from '../../src/kernel/assert.ts';
import { Deadlines } from '../admission/deadlines.ts';
import type { PolicyEntry } from '../entry.ts';
import type { Micros, WorkerStatus } from '../types.ts';
import { type ProbesConfig, probesConfig } from './config.ts';
import { afterProbe, type HealthState } from './status.ts';
import type { Health, Probe, StatusChange } from './types.ts';

interface Probed {
  state: HealthState;
  /** The one probe that is out. */
  probe: Probe | undefined;
  /** Status when it was launched. */
  launchedAs: WorkerStatus;
}

export class Probes implements Health {
  readonly #config: ProbesConfig;
  readonly #workers = new Map<number, Probed>();
  /** When each worker without a probe out is to be probed next. */
  readonly #due = new Deadlines();
  readonly #out = new Set<Probe>();
  #launched = 0;

  constructor(config: ProbesConfig) {
    this.#config = config;
  }

  discovered(now: Micros, workers: readonly number[]): void {
    const known = new Set(workers);
    for (const worker of [...this.#workers.keys()]) if (!known.has(worker)) this.#forget(worker);
    for (const worker of workers) if (!this.#workers.has(worker)) this.#begin(now, worker);
  }

  replaced(now: Micros, worker: number): void {
    if (!this.#workers.has(worker)) return;
    this.#forget(worker);
    this.#begin(now, worker);
  }

  drain(now: Micros, worker: number): Micros {
    const known = this.#workers.get(worker);
    if (known !== undefined) {
      known.state = { status: 'draining', failures: 0, successes: 0, pendingProbes: 0 };
      this.#due.delete(worker);
    }
    return now + this.#config.drainSettle;
  }

  status(worker: number): WorkerStatus {
    return this.#workers.get(worker)?.state.status ?? 'failed';
  }

  nextProbeAt(): Micros {
    return this.#out.size < this.#config.concurrencyMax ? this.#due.earliestAt() : Infinity;
  }

  launch(now: Micros): Probe | undefined {
    if (this.nextProbeAt() > now) return undefined;
    const worker = this.#due.shiftDue(now);
    const known = worker === undefined ? undefined : this.#workers.get(worker);
    assert(worker !== undefined && known !== undefined, 'an unknown worker is due for a probe');
    const probe: Probe = { id: this.#launched++, worker, launchedAt: now, timeoutAt: now + this.#config.timeout };
    known.probe = probe;
    known.launchedAs = known.state.status;
    this.#out.add(probe);
    return probe;
  }

  settled(now: Micros, probe: Probe, ok: boolean): StatusChange | undefined {
    if (!this.#out.delete(probe)) return undefined;
    const { worker } = probe;
    const known = this.#workers.get(worker);
    // The worker left or was replaced meanwhile.
    if (known?.probe !== probe) return undefined;
    known.probe = undefined;
    const from = known.state.status;
    if (from === 'draining') return undefined;
    known.state = afterProbe(known.state, this.#config, ok, known.launchedAs === 'pending');
    const to = known.state.status;
    const isOver = to === 'failed' && this.#config.failed === 'terminal';
    if (!isOver) this.#due.set(worker, Math.max(now, probe.launchedAt + this.#config.interval));
    if (to === from) return undefined;
    return { worker, from, to, remove: to === 'failed' && this.#config.removeFailed };
  }

  held(): { readonly probes: number } {
    return { probes: this.#out.size };
  }

  #begin(now: Micros, worker: number): void {
    const state: HealthState = { status: this.#config.startStatus, failures: 0, successes: 0, pendingProbes: 0 };
    this.#workers.set(worker, { state, probe: undefined, launchedAs: state.status });
    this.#due.set(worker, now);
  }

  /** A probe still out stays counted until the host settles it; its answer is void. */
  #forget(worker: number): void {
    this.#workers.delete(worker);
    this.#due.delete(worker);
  }
}

export const probes: PolicyEntry<'health', ProbesConfig> = {
  role: 'health',
  name: 'probes',
  decides: 'Whether a worker is ready, by its answers to periodic probes.',
  source: 'smg model_gateway/src/worker/manager.rs 73da68ca9',
  config: probesConfig,
  variants: { 'smg-2026-08-07': { startStatus: 'ready', pendingCap: 'always', failed: 'terminal' } },
  make: (config) => new Probes(config),
};
