/**
 * A capacity that is learned from latency instead of derived from what workers report: leases become samples
 * (sampler.ts), samples perhaps windows (sample-window.ts), and a rule (aimd.ts, vegas.ts, gradient2.ts) moves the
 * limit. Intuition: when more in flight only makes everyone wait longer, the extra ones belong in the gateway's queue,
 * where they can be shed. Limits: the permit it bounds is held across retries and backoffs, the leases it samples are
 * not; and the limit moves only with samples, so it stays where it was while nothing ends. Source:
 * Netflix/concurrency-limits 78a74b9 (Limit apart from Limiter).
 */
import type { AttemptResult, AttemptView, Capacity, CapacitySource, Micros } from '../types.ts';
import type { LimitSettings } from './config.ts';
import { SampleWindow, type WindowState } from './sample-window.ts';
import { type Sample, LeaseSampler } from './sampler.ts';

/** How a limit moves with a sample. */
export interface LimitRule {
  /** Requests, not necessarily whole, within the configured bounds. */
  readonly limit: number;
  update(sample: Sample): void;
  snapshot(): readonly number[];
  restore(state: readonly number[]): void;
}

export class AdaptiveLimit implements Capacity {
  readonly #rule: LimitRule;
  readonly #sampler: LeaseSampler;
  readonly #window: SampleWindow;

  constructor(rule: LimitRule, { signal, window, windowSamples }: LimitSettings) {
    this.#rule = rule;
    this.#sampler = new LeaseSampler(signal);
    this.#window = new SampleWindow(window, windowSamples);
  }

  current(): number {
    return Math.floor(this.#rule.limit);
  }

  source(): CapacitySource {
    return 'override';
  }

  granted(_now: Micros, attempt: AttemptView): void {
    this.#sampler.granted(attempt);
  }

  firstToken(now: Micros, attempt: AttemptView): void {
    this.#learn(now, this.#sampler.firstToken(now, attempt));
  }

  settled(now: Micros, attempt: AttemptView, result: AttemptResult): void {
    this.#learn(now, this.#sampler.settled(now, attempt, result));
  }

  #learn(now: Micros, sample: Sample | undefined): void {
    if (sample === undefined) return;
    const average = this.#window.add(now, sample);
    if (average !== undefined) this.#rule.update(average);
  }

  snapshot(): unknown {
    return [this.#rule.snapshot(), this.#sampler.snapshot(), this.#window.snapshot()];
  }

  restore(state: unknown): void {
    const [rule, sampler, window] = state as [number[], Map<number, boolean>, WindowState];
    this.#rule.restore(rule);
    this.#sampler.restore(sampler);
    this.#window.restore(window);
  }
}
