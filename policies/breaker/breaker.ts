/**
 * Decides whether a worker may take one more request by how its last ones ended: a worker that keeps failing is
 * left alone for a while and then tried with a few probes, so that its failures cost a bounded number of
 * requests instead of every n-th one, and a fast failer does not attract the least-load router. Regimes:
 * invisible while workers are healthy; a dead one costs `failureThreshold` attempts and then `probesMax` per
 * `openFor`; a fleet that fails as a whole is refused as a whole, which is why refusals for load are no
 * failures here. Limits: it learns from this gateway's traffic only (health.ts probes idle workers); a
 * cool-down longer than the clients' patience turns a short outage into a long one (SemiAnalysisAI/InferenceX
 * pull 2255).
 *
 * fenced-circuit.ts is the repaired machine and the default; lazy-circuit.ts is upstream's, bound with its view
 * of outcomes by variant `smg-2026-08-07`, in which `window` is accepted and unused. Single defects can be had
 * from the repaired machine: `window: none` and `samplesMax` = `failureThreshold` count runs of any age,
 * `probesMax: none` lets everyone through half-open. Source: smg worker/circuit_breaker.rs at 73da68ca9, smg
 * pull 2163; the window over a number of outcomes is resilience4j's.
 */
import type { PolicyEntry } from '../entry.ts';
import type { AttemptResult, AttemptView, Gate, Micros, WorkerView } from '../types.ts';
import type { Circuit } from './circuit.ts';
import { type BreakerConfig, breakerConfig } from './config.ts';
import { evidenceOf } from './evidence.ts';
import { FencedCircuit } from './fenced-circuit.ts';
import { LazyCircuit } from './lazy-circuit.ts';

export class Breaker implements Gate {
  readonly #config: BreakerConfig;
  /** By worker index, made when a worker is first heard of. */
  readonly #circuits: Circuit[] = [];
  #known: ReadonlySet<number> = new Set();

  constructor(config: BreakerConfig) {
    this.#config = config;
  }

  allows(now: Micros, worker: WorkerView): boolean {
    return this.#circuit(worker.index).allows(now);
  }

  reconsiderAt(now: Micros): Micros {
    let at = Infinity;
    for (const circuit of this.#circuits) at = Math.min(at, circuit.reconsiderAt(now));
    return at;
  }

  granted(now: Micros, attempt: AttemptView): void {
    this.#circuit(attempt.worker.index).granted(now, attempt.id);
  }

  settled(now: Micros, attempt: AttemptView, result: AttemptResult): void {
    this.#circuit(attempt.worker.index).settled(now, attempt.id, evidenceOf(result, this.#config));
  }

  /** A worker that left and came back starts with a closed circuit. */
  discovered(_now: Micros, workers: readonly number[]): void {
    for (const worker of workers) if (!this.#known.has(worker)) this.#circuits[worker]?.renew();
    this.#known = new Set(workers);
  }

  #circuit(index: number): Circuit {
    while (this.#circuits.length <= index) {
      const circuit = this.#config.machine === 'lazy' ? new LazyCircuit(this.#config) : new FencedCircuit(this.#config);
      this.#circuits.push(circuit);
    }
    return this.#circuits[index] as Circuit;
  }

  snapshot(): unknown {
    return [this.#circuits.map((circuit) => circuit.snapshot()), this.#known];
  }

  restore(state: unknown): void {
    const [circuits, known] = state as [unknown[], ReadonlySet<number>];
    for (const [index, circuit] of circuits.entries()) this.#circuit(index).restore(circuit);
    this.#known = known;
  }
}

export const breaker: PolicyEntry<'gate', BreakerConfig> = {
  role: 'gate',
  name: 'breaker',
  decides: 'Whether a worker may take one more: not while it keeps failing, then by a few probes.',
  source: 'smg model_gateway/src/worker/circuit_breaker.rs 73da68ca9, smg pull 2163; sglang pull 39464',
  config: breakerConfig,
  variants: {
    'smg-2026-08-07': {
      machine: 'lazy',
      failureStatuses: [408, 429, 500, 502, 503, 504],
      otherStatuses: 'success',
    },
  },
  make: (config) => new Breaker(config),
};
