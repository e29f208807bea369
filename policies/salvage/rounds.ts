/**
 * Decides what becomes of a batch task whose call failed. Failures that may heal are deferred and tried again
 * in up to `roundsMax` rounds, each after everything else has drained; failures that cannot heal drop the row
 * at once. A task that still fails after the rounds is preserved for another cycle if its last failure is of
 * a preserved cause, else dropped. Intuition: a task that never reached the model, because it waited in a
 * queue or was rate-limited, says nothing against its row; a model that answers 500 three times does.
 *
 * Regimes: with light contention no round is ever used; when admission queues time out faster than the model
 * serves, the preserved set is the difference between a slow batch and a short one. Limits: only the last
 * failure decides; cycles are not counted, so an endpoint that answers 429 for ever is retried for ever. HTTP
 * 429 counts as `rate-limited` whatever cause came with it.
 *
 * Source: NVIDIA-NeMo/DataDesigner issue 725 and pull 730. The default preserves timeouts of request
 * admission as well as rate limits, as merged; variant `baseline` preserves rate limits only, which lost rows
 * to queue timeouts.
 */
import type { PolicyEntry } from '../entry.ts';
import type { FinishCause, Micros, Salvage, TaskFailure } from '../types.ts';
import { type RoundsConfig, roundsConfig } from './config.ts';

export class Rounds implements Salvage {
  readonly roundsMax: number;
  readonly pacingUs: Micros;
  readonly #preserved: ReadonlySet<FinishCause>;

  constructor(config: RoundsConfig) {
    this.roundsMax = config.roundsMax;
    this.pacingUs = config.pacing;
    this.#preserved = new Set<FinishCause>(config.preserve);
  }

  classify(failure: TaskFailure): 'retry' | 'drop' {
    return mayHeal(failure) ? 'retry' : 'drop';
  }

  afterRounds(failure: TaskFailure): 'preserve' | 'drop' {
    return this.#preserved.has(causeOf(failure)) ? 'preserve' : 'drop';
  }
}

function causeOf(failure: TaskFailure): FinishCause {
  return failure.status === 429 ? 'rate-limited' : failure.cause;
}

function mayHeal(failure: TaskFailure): boolean {
  const cause = causeOf(failure);
  switch (cause) {
    case 'queue-full':
    case 'queue-timeout':
    case 'no-worker':
    case 'all-busy':
    case 'rate-limited':
    case 'preempted':
    case 'deadline':
      return true;
    case 'client':
      return false;
    case 'none':
    case 'upstream':
      return failure.reason === 'failed' || failure.reason === 'timeout' ? upstreamMayHeal(failure) : false;
    default:
      return cause satisfies never;
  }
}

/**
 * A connection error has no status; timeouts and server faults heal, a request that was refused as wrong does
 * not.
 */
function upstreamMayHeal({ reason, status }: TaskFailure): boolean {
  return reason === 'timeout' || status === 0 || status === 408 || status >= 500;
}

export const rounds: PolicyEntry<'salvage', RoundsConfig> = {
  role: 'salvage',
  name: 'rounds',
  decides: 'What becomes of a failed task: retried in rounds if it may heal, then preserved by cause, or dropped.',
  source: 'NVIDIA-NeMo/DataDesigner issue 725, pull 730 (async_scheduler.py)',
  config: roundsConfig,
  variants: { baseline: { preserve: ['rate-limited'] } },
  make: (config) => new Rounds(config),
};
