/**
 * What a breaker keeps under any commands: the repaired machine answers as a model written from its description, every
 * opening is announced, and no worker is wedged.
 */
import fc from 'fast-check';
import { breaker, type Breaker } from '../../../policies/breaker/breaker.ts';
import type { BreakerConfig } from '../../../policies/breaker/config.ts';
import type { AttemptView } from '../../../policies/types.ts';
import { attemptResult, requestView, workerView } from '../../policies/views.ts';
import { claim } from '../claim.ts';

export type BreakerGate = Pick<Breaker, 'allows' | 'reconsiderAt' | 'granted' | 'settled' | 'discovered'>;

const WORKERS = [0, 1];

const RESULTS = {
  ok: attemptResult({ outcome: 'ok', status: 200 }),
  failed: attemptResult({ outcome: 'failed', status: 500 }),
  timeout: attemptResult({ outcome: 'timeout', status: 0 }),
  refused: attemptResult({ outcome: 'refused', status: 429 }),
  cancelled: attemptResult({ outcome: 'cancelled', status: 0 }),
} as const;
type Ending = keyof typeof RESULTS;

type Command =
  | { kind: 'advance'; us: number }
  | { kind: 'grant'; worker: number }
  | { kind: 'settle'; nth: number; ending: Ending }
  | { kind: 'discover'; workers: number[] };

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), us: fc.constantFrom(0.5, 1, 7, 20, 60, 2000) }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('grant' as const), worker: fc.constantFrom(...WORKERS) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      nth: fc.nat({ max: 20 }),
      ending: fc.constantFrom<Ending>('ok', 'ok', 'failed', 'failed', 'timeout', 'refused', 'cancelled'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('discover' as const), workers: fc.subarray(WORKERS) }),
  },
);

const settings = fc
  .record({
    failureThreshold: fc.integer({ min: 1, max: 3 }),
    extra: fc.nat({ max: 2 }),
    successThreshold: fc.integer({ min: 1, max: 3 }),
    openFor: fc.constantFrom(20, 1000),
    window: fc.constantFrom(10, 100, Infinity),
    probesMax: fc.constantFrom(1, 2, Infinity),
    probeTimeout: fc.constantFrom(5, 50),
    machine: fc.constantFrom('fenced' as const, 'lazy' as const),
  })
  .map(({ extra, ...given }): BreakerConfig => {
    const samplesMax = given.failureThreshold + extra;
    return { ...breaker.config.parse({ name: 'breaker' }), ...given, samplesMax };
  });

/** One worker's circuit, written from the description: lists and filters instead of counters. */
class Model {
  readonly #given: BreakerConfig;
  /** Newest last. */
  #outcomes: { at: number; failed: boolean }[] = [];
  #openUntil = -Infinity;
  /** The trial's probes that have not ended; undefined while closed or open. */
  #trial: { id: number; at: number }[] | undefined;
  #successes = 0;
  #isOpen = false;
  /** Attempts that count while closed. */
  readonly #heard = new Set<number>();

  constructor(given: BreakerConfig) {
    this.#given = given;
  }

  allows(now: number): boolean {
    if (this.#trial !== undefined) {
      return this.#trial.filter(({ at }) => now < at + this.#given.probeTimeout).length < this.#given.probesMax;
    }
    return !this.#isOpen || now >= this.#openUntil;
  }

  granted(now: number, id: number): void {
    if (this.#isOpen) {
      this.#isOpen = false;
      this.#trial = [];
      this.#successes = 0;
    }
    if (this.#trial === undefined) this.#heard.add(id);
    else this.#trial.push({ id, at: now });
  }

  settled(now: number, id: number, ending: Ending): void {
    const neutral = ending === 'refused' || ending === 'cancelled';
    if (this.#trial !== undefined) {
      const left = this.#trial.filter((probe) => probe.id !== id);
      const isProbe = left.length < this.#trial.length;
      this.#trial = left;
      if (!isProbe || neutral) return;
      if (ending !== 'ok') this.#open(now);
      else if (++this.#successes === this.#given.successThreshold) this.close();
      return;
    }
    if (this.#isOpen || neutral || !this.#heard.has(id)) return;
    this.#outcomes.push({ at: now, failed: ending !== 'ok' });
    const newest = this.#outcomes.slice(-this.#given.samplesMax);
    const failures = newest.filter(({ at, failed }) => failed && at > now - this.#given.window);
    if (ending !== 'ok' && failures.length >= this.#given.failureThreshold) this.#open(now);
  }

  close(): void {
    this.#isOpen = false;
    this.#trial = undefined;
    this.#outcomes = [];
    this.#heard.clear();
  }

  #open(now: number): void {
    this.close();
    this.#isOpen = true;
    this.#openUntil = now + this.#given.openFor;
  }
}

class Harness {
  readonly #gate: BreakerGate;
  readonly #given: BreakerConfig;
  readonly #models: Model[];
  readonly #running: AttemptView[] = [];
  #known: readonly number[] = WORKERS;
  #attempts = 0;
  #now = 0;
  opened = 0;

  constructor(given: BreakerConfig, make: (config: BreakerConfig) => BreakerGate) {
    this.#given = given;
    this.#gate = make(given);
    this.#models = WORKERS.map(() => new Model(given));
    this.#gate.discovered(0, WORKERS);
  }

  run(step: Command): void {
    switch (step.kind) {
      case 'advance':
        this.#now += step.us;
        break;
      case 'grant':
        if (this.#allows(this.#now, step.worker)) this.#grant(step.worker);
        break;
      case 'settle': {
        const [attempt] = this.#running.splice(step.nth, 1);
        if (attempt === undefined) break;
        this.#gate.settled(this.#now, attempt, RESULTS[step.ending]);
        this.#models[attempt.worker.index]?.settled(this.#now, attempt.id, step.ending);
        break;
      }
      case 'discover':
        this.#gate.discovered(this.#now, step.workers);
        for (const worker of step.workers) if (!this.#known.includes(worker)) this.#models[worker]?.close();
        this.#known = step.workers;
        break;
      default:
        step satisfies never;
    }
    if (this.#given.machine === 'fenced') this.#checkFenced();
    this.#checkReconsidered();
  }

  #grant(worker: number): void {
    const view = { id: this.#attempts++, request: requestView(), worker: workerView({ index: worker }), startedAt: 0 };
    this.#running.push(view);
    this.#gate.granted(this.#now, view);
    this.#models[worker]?.granted(this.#now, view.id);
  }

  #allows(now: number, index: number): boolean {
    return this.#gate.allows(now, workerView({ index }));
  }

  /** Asking changes nothing, so it may be asked of the future: at every instant it answers as the model. */
  #checkFenced(): void {
    for (const worker of WORKERS) {
      for (const ahead of [0, 5, 19.5, 20, 50, 1000]) {
        const now = this.#now + ahead;
        claim(this.#allows(now, worker) === this.#models[worker]?.allows(now), `allows differs ${ahead} µs ahead`);
      }
      if (!this.#allows(this.#now, worker)) this.opened++;
      const restUs = Math.max(this.#given.openFor, this.#given.probeTimeout);
      claim(this.#allows(this.#now + restUs, worker), 'a worker is wedged');
    }
  }

  /** What is closed to requests says when it opens, and not too early. */
  #checkReconsidered(): void {
    const now = this.#now;
    const shut = WORKERS.filter((worker) => !this.#allows(now, worker));
    const at = this.#gate.reconsiderAt(now);
    claim(at > now, 'asks to be reconsidered at an instant that has come');
    claim((at < Infinity) === shut.length > 0, 'names an instant exactly while a worker is shut');
    if (this.#given.machine === 'lazy' || shut.length === 0) return;
    claim(
      shut.some((worker) => this.#allows(at, worker)),
      'nothing opens at the instant named',
    );
    claim(!shut.some((worker) => this.#allows((now + at) / 2, worker)), 'something opens before the instant named');
  }

  /** Time alone lets every worker be tried again. */
  finish(): void {
    this.#now += 2000;
    for (const worker of WORKERS) claim(this.#allows(this.#now, worker), 'a worker is wedged at the end');
  }
}

/** `opened` is told how often each run found a worker shut. */
export function breakerProperty(make: (config: BreakerConfig) => BreakerGate, opened?: (count: number) => void) {
  return fc.property(settings, fc.array(command, { maxLength: 80, size: 'max' }), (given, steps) => {
    const harness = new Harness(given, make);
    for (const step of steps) harness.run(step);
    harness.finish();
    opened?.(harness.opened);
  });
}
