/**
 * Decides what becomes of a batch task whose call failed. Failures that may heal are deferred and tried again
 * in up to `roundsMax` rounds, each after everything else has drained; failures that cannot heal drop the row
 * at once. A task that still fails after the rounds is preserved for another cycle if its last failure is of
 * a preserved cause, else dropped. Intuition: a task that never reached the model, because it waited in a
 * queue or was rate-limited, says nothing against its row; a model that answers 500 three times does.
 *
 * Regimes: with light contention no round is ever used; when admission queues time out faster than the model
 * serves, the preserved set is the difference between a slow batch and a short one. Limits: only the last
 * failure decides; without a budget (`preserveFor`, `preserveStarts`) an endpoint that answers 429 for ever is
 * tried for ever. HTTP 429 counts as `rate-limited` whatever cause came with it.
 *
 * Source: NVIDIA-NeMo/DataDesigner issue 725 and pull 730. The default preserves timeouts of request
 * admission as well as rate limits, as merged (`fixed`, and `head` 99517abc); variant `baseline` preserves rate
 * limits only, which lost rows to queue timeouts; `before-551` held such a timeout for an error of the provider that
 * cannot heal, so a slow endpoint ended the run early.
 */
import type { PolicyEntry } from '../entry.ts';
import type { FinishCause, Micros, Salvage, TaskFailure } from '../types.ts';
import { type RoundsConfig, roundsConfig } from './config.ts';

export class Rounds implements Salvage {
  readonly roundsMax: number;
  readonly pacingUs: Micros;
  readonly pacedBy: Salvage['pacedBy'];
  readonly queueTimeout: Salvage['queueTimeout'];
  readonly preserveForUs: Micros;
  readonly preserveStarts: number;
  readonly #preserved: ReadonlySet<FinishCause>;
  readonly #unhealable: ReadonlySet<FinishCause>;

  constructor(config: RoundsConfig) {
    this.roundsMax = config.roundsMax;
    this.pacingUs = config.pacing;
    this.pacedBy = config.pacedBy;
    this.queueTimeout = config.queueTimeout;
    this.preserveForUs = config.preserveFor;
    this.preserveStarts = config.preserveStarts;
    this.#preserved = new Set<FinishCause>(config.preserve);
    this.#unhealable = new Set<FinishCause>(config.unhealable);
  }

  classify(failure: TaskFailure): 'retry' | 'drop' {
    return !this.#unhealable.has(causeOf(failure)) && mayHeal(failure) ? 'retry' : 'drop';
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
  variants: {
    head: {},
    fixed: {},
    'before-551': { preserve: ['rate-limited'], pacedBy: 'rate-limited', unhealable: ['queue-timeout'] },
    baseline: { preserve: ['rate-limited'], pacedBy: 'rate-limited', queueTimeout: 'provider-timeout' },
  },
  make: (config) => new Rounds(config),
};
