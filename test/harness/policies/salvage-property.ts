/**
 * What salvage keeps, run through the dataset core with one task a row: a task that never reached a model is not
 * dropped for it, a budget ends what would be kept for ever, and a lost row says every reason.
 */
import fc from 'fast-check';
import { AdaptiveAdmission } from '../../../policies/admission/adaptive-admission.ts';
import { NoRetry } from '../../../policies/retry/none.ts';
import { type RoundsConfig, roundsConfig } from '../../../policies/salvage/config.ts';
import { boundedBorrow } from '../../../policies/task/task-scheduling.ts';
import type { FinishCause, Salvage, TaskFailure } from '../../../policies/types.ts';
import type { DatasetCore } from '../../../src/dataset/dataset-core.ts';
import { DATASET_SETTINGS } from '../../../src/dataset/settings.ts';
import type { Call, CallResult, DatasetEffect, DatasetPlan } from '../../../src/dataset/types.ts';
import { REPAIRED } from '../../policies/admission/keepers.ts';
import { claim, claimEqual } from '../claim.ts';

/** Who is under test. */
export interface SalvageMakers {
  readonly salvage: (config: RoundsConfig) => Salvage;
  readonly core: typeof DatasetCore;
}

const STEPS_MAX = 3000;
const PRESERVED: readonly FinishCause[] = ['queue-timeout', 'rate-limited'];

const SUCCESS: CallResult = { failure: undefined, outcome: 'success', retryAfterUs: -1 };
const RATE_LIMITED = failing({ reason: 'failed', cause: 'rate-limited', status: 429 }, 'rate-limited');
const ENDINGS = {
  ok: SUCCESS,
  '429': RATE_LIMITED,
  '500': failing({ reason: 'failed', cause: 'upstream', status: 500 }),
  timeout: failing({ reason: 'timeout', cause: 'upstream', status: 0 }, 'provider-timeout'),
  '400': failing({ reason: 'failed', cause: 'upstream', status: 400 }),
} as const;
type Ending = keyof typeof ENDINGS;

function failing(failure: TaskFailure, outcome: CallResult['outcome'] = 'provider-failure'): CallResult {
  return { failure, outcome, retryAfterUs: -1 };
}

const given = fc.record({
  rows: fc.integer({ min: 1, max: 6 }),
  cap: fc.integer({ min: 1, max: 3 }),
  waitTimeout: fc.constantFrom(Infinity, 40),
  roundsMax: fc.integer({ min: 1, max: 3 }),
  preserveStarts: fc.constantFrom(Infinity, 3, 6),
});
type Given = typeof given extends fc.Arbitrary<infer Kind> ? Kind : never;

type Command = { kind: 'end'; nth: number; ending: Ending } | { kind: 'pass'; us: number };

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      nth: fc.nat({ max: 9 }),
      ending: fc.constantFrom<Ending>('ok', '429', '429', '500', 'timeout', '400'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), us: fc.constantFrom(1, 39, 41, 500) }) },
);

type RowEffect = Extract<DatasetEffect, { kind: 'row' }>;

class Harness {
  readonly #given: Given;
  readonly #core: DatasetCore;
  readonly #calls: Call[] = [];
  /** By row: failed ends of its calls, and how often it was called. */
  readonly #failures: number[];
  readonly #starts: number[];
  readonly rows = new Map<number, RowEffect>();
  #now = 0;

  constructor(spec: Given, { salvage, core }: SalvageMakers) {
    this.#given = spec;
    this.#failures = Array.from({ length: spec.rows }, () => 0);
    this.#starts = Array.from({ length: spec.rows }, () => 0);
    const { roundsMax, preserveStarts } = spec;
    const rounds = { ...roundsConfig.parse({ name: 'rounds', pacing: '10us' }), roundsMax, preserveStarts };
    const rng = () => 0;
    this.#core = new core(planOf(spec), { ...DATASET_SETTINGS.spillway, shutdown: undefined }, {
      admission: new AdaptiveAdmission({ ...REPAIRED, waitTimeout: spec.waitTimeout, cooldown: 30 }),
      tasks: boundedBorrow.make(boundedBorrow.config.parse({ name: 'bounded-borrow', requestLimits: 'none' }), { rng }),
      retry: new NoRetry(),
      salvage: salvage(rounds),
    });
    this.#core.begin(this.#now);
    this.#settle();
  }

  run(step: Command): void {
    if (step.kind === 'end') this.#end(step.nth, ENDINGS[step.ending]);
    else this.#now += step.us;
    this.#settle();
  }

  /** From here on every call ends alike, until the run is over. */
  finish(result: CallResult): void {
    for (let steps = 0; !this.#core.done; steps++) {
      claim(steps < STEPS_MAX, 'the run does not end', [...this.#starts]);
      if (this.#calls.length > 0) this.#end(0, result);
      else this.#now = Math.max(this.#now, this.#core.nextWakeAt());
      claim(this.#now < Infinity, 'the run is stuck');
      this.#settle();
    }
    claimEqual(Object.values(this.#core.held()).filter((held) => held !== 0), [], 'held at the end');
    claimEqual(this.rows.size, this.#given.rows, 'rows that ended');
    for (const row of this.rows.values()) this.#check(row);
  }

  #end(nth: number, result: CallResult): void {
    const [call] = this.#calls.splice(nth % Math.max(1, this.#calls.length), 1);
    if (call === undefined) return;
    const { row } = call.task;
    if (result.failure !== undefined) this.#failures[row] = (this.#failures[row] as number) + 1;
    this.#core.end(this.#now, call, result);
    this.#drain();
  }

  #settle(): void {
    for (let wakes = 0; this.#core.nextWakeAt() <= this.#now; wakes++) {
      claim(wakes < STEPS_MAX, 'woken without end');
      this.#core.wake(this.#now);
      this.#drain();
    }
  }

  #drain(): void {
    for (let effect = this.#core.take(); effect !== undefined; effect = this.#core.take()) {
      if (effect.kind === 'call') {
        const { row } = effect.call.task;
        this.#calls.push(effect.call);
        this.#starts[row] = (this.#starts[row] as number) + 1;
        this.#checkStarts(this.#starts[row]);
      } else if (effect.kind === 'row') {
        claim(!this.rows.has(effect.row), 'a row ends twice', effect.row);
        this.rows.set(effect.row, effect);
      }
    }
  }

  /** A budget of starts is passed by no more than the rounds of the cycle it ends in. */
  #checkStarts(starts: number): void {
    const { preserveStarts, roundsMax } = this.#given;
    claim(starts <= preserveStarts + roundsMax + 1, 'a task is tried beyond its budget', starts);
  }

  #check({ row, result, rule, reasons }: RowEffect): void {
    // What waited too long for admission has failed without a call, and must not read as a failure of the model.
    const ofCalls = reasons.filter(({ failure }) => failure.cause !== 'queue-timeout');
    const told = ofCalls.reduce((sum, { times }) => sum + times, 0);
    claimEqual(told, this.#failures[row], 'failed calls among the reasons of a row');
    if (result === 'completed') return;
    const last = reasons.at(-1)?.failure;
    if (rule === 'unhealable') claimEqual(last?.status, 400, 'the status of what cannot heal');
    else if (rule === 'after-rounds') claim(!PRESERVED.includes(last?.cause ?? 'none'), 'dropped unseen', last);
    else claim(rule === 'preserve-budget' && this.#given.preserveStarts < Infinity, 'dropped by a rule', rule);
  }
}

function planOf({ rows, cap }: Given): DatasetPlan {
  const generator = { kind: 'model', identity: ['p', 'm', 'chat'], weight: cap, columns: ['c'] } as const;
  return {
    columns: [{ name: 'c', dependsOn: [], generator, extent: 'cells', prepares: false }],
    rowGroups: [{ id: 0, rows }],
    endpoints: [{ provider: 'p', model: 'm', alias: 'a', limit: cap }],
  };
}

/** Afterwards every call succeeds; under a budget, every call is refused for ever. */
export function salvageProperty(makers: SalvageMakers) {
  return fc.property(given, fc.array(command, { maxLength: 60, size: 'max' }), (spec, steps) => {
    const harness = new Harness(spec, makers);
    for (const step of steps) harness.run(step);
    harness.finish(spec.preserveStarts === Infinity ? SUCCESS : RATE_LIMITED);
  });
}

