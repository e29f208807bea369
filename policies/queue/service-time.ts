/**
 * Predicts how long a request will take once it is admitted: the moving average of the attempts that ended ok, or a
 * time per token of prompt and of maximal output. Regimes: the average fits traffic of one kind and needs no
 * calibration; token counts tell long from short but take every reply for as long as it may become. Limits: neither
 * knows of load; attempts that timed out are not in the average, which is too short then. Before the first observation
 * the prediction is 0, so nobody is turned away on no evidence; and so it is while no attempt runs, or one slow spell
 * would turn everyone away for ever, with no attempt left to show that it is over. Source: ours.
 */
import type { AttemptResult, AttemptView, Micros, RequestView } from '../types.ts';
import type { DeadlineConfig } from './config.ts';

export class ServiceTime {
  readonly #config: Pick<DeadlineConfig, 'prediction' | 'weight' | 'perPromptToken' | 'perOutputToken'>;
  /** -1 before the first observation. */
  #averageUs: Micros = -1;
  #running = 0;

  constructor(config: Pick<DeadlineConfig, 'prediction' | 'weight' | 'perPromptToken' | 'perOutputToken'>) {
    this.#config = config;
  }

  granted(): void {
    this.#running++;
  }

  settled(now: Micros, attempt: AttemptView, { outcome }: AttemptResult): void {
    this.#running--;
    if (outcome !== 'ok') return;
    const durationUs = now - attempt.startedAt;
    const seen = this.#averageUs >= 0;
    this.#averageUs = seen ? this.#averageUs + this.#config.weight * (durationUs - this.#averageUs) : durationUs;
  }

  predictUs({ promptTokens, maxOutputTokens }: RequestView): Micros {
    const { prediction, perPromptToken, perOutputToken } = this.#config;
    switch (prediction) {
      case 'observed':
        return this.#running === 0 ? 0 : Math.max(0, this.#averageUs);
      case 'tokens':
        return perPromptToken * promptTokens + perOutputToken * maxOutputTokens;
      case 'none':
        return 0;
      default:
        return prediction satisfies never;
    }
  }

  snapshot(): unknown {
    return [this.#averageUs, this.#running];
  }

  restore(state: unknown): void {
    [this.#averageUs, this.#running] = state as [Micros, number];
  }
}
