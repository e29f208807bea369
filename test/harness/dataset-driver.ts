/** A dataset core with all its policies, its effects counted and its books checked after every input. */
import { AdaptiveAdmission } from '../../policies/admission/adaptive-admission.ts';
import { requestAdmission } from '../../policies/admission/request-admission.ts';
import { datadesigner } from '../../policies/retry/datadesigner.ts';
import { rounds } from '../../policies/salvage/rounds.ts';
import { boundedBorrow } from '../../policies/task/task-scheduling.ts';
import type { TaskFailure } from '../../policies/types.ts';
import { DatasetCore } from '../../src/dataset/dataset-core.ts';
import { DATASET_SETTINGS, type DatasetSettings } from '../../src/dataset/settings.ts';
import type { Call, CallResult, ColumnPlan, DatasetEffect, DatasetPlan, Task } from '../../src/dataset/types.ts';

export interface DriverSettings {
  readonly columns: readonly Partial<ColumnPlan>[];
  readonly rowGroups: readonly number[];
  readonly cap?: number;
  readonly waitTimeoutUs?: number;
  readonly submission?: number;
  readonly settings?: Partial<DatasetSettings>;
  /** Fields of the salvage policy. */
  readonly salvage?: Readonly<Record<string, unknown>>;
  readonly variant?: 'baseline' | 'fixed' | 'head';
}

type RowEffect = Extract<DatasetEffect, { kind: 'row' }>;

export const SUCCESS: CallResult = { failure: undefined, outcome: 'success', retryAfterUs: -1 };
export const RATE_LIMITED = failing({ reason: 'failed', cause: 'rate-limited', status: 429 }, 'rate-limited');
export const INTERNAL = failing({ reason: 'failed', cause: 'upstream', status: 500 });
export const UNAVAILABLE = failing({ reason: 'failed', cause: 'upstream', status: 503 });
export const SLOW = failing({ reason: 'timeout', cause: 'upstream', status: 0 }, 'provider-timeout');
export const BAD = failing({ reason: 'failed', cause: 'upstream', status: 400 });

function failing(failure: TaskFailure, outcome: CallResult['outcome'] = 'provider-failure'): CallResult {
  return { failure, outcome, retryAfterUs: -1 };
}

export class DatasetDriver {
  readonly core: DatasetCore;
  readonly calls: Call[] = [];
  readonly preparing: Task[] = [];
  readonly rows = new Map<string, RowEffect>();
  readonly checkpoints: number[] = [];
  readonly done: string[] = [];
  now = 0;

  constructor({ columns, rowGroups, cap = 2, waitTimeoutUs = Infinity, submission = 8, ...given }: DriverSettings) {
    const variant = given.variant ?? 'head';
    const head = requestAdmission.config.parse({ name: 'aimd', ...requestAdmission.variants['datadesigner-head'] });
    const tasks = { name: 'bounded-borrow', ...boundedBorrow.variants[variant], submission };
    const salvage = { name: 'rounds', ...rounds.variants[variant], ...given.salvage };
    const rng = () => 0;
    const policies = {
      admission: new AdaptiveAdmission({ ...head, waitTimeout: waitTimeoutUs, cooldown: 500 }),
      tasks: boundedBorrow.make(boundedBorrow.config.parse(tasks), { rng }),
      retry: datadesigner.make(datadesigner.config.parse({ name: 'datadesigner', initialBackoff: '1ms' }), { rng }),
      salvage: rounds.make(rounds.config.parse(salvage), { rng }),
    };
    const base = DATASET_SETTINGS[given.variant ?? 'spillway'];
    this.core = new DatasetCore(planOf(columns, rowGroups, cap), { ...base, ...given.settings }, policies);
    this.core.begin(this.now);
    this.drain();
  }

  /** Everything due now. */
  settle(): void {
    while (this.core.nextWakeAt() <= this.now) this.wake();
  }

  wake(): void {
    this.core.wake(this.now);
    this.drain();
  }

  end(call: Call, result: CallResult): void {
    const place = this.calls.indexOf(call);
    if (place >= 0) this.calls.splice(place, 1);
    this.core.end(this.now, call, result);
    this.drain();
  }

  ready(task: Task): void {
    const place = this.preparing.indexOf(task);
    if (place >= 0) this.preparing.splice(place, 1);
    this.core.ready(this.now, task);
    this.drain();
  }

  stop(): void {
    this.core.stop(this.now);
    this.drain();
  }

  /** Succeeds at everything until the run is over. */
  finish(stepsMax = 100_000): void {
    for (let steps = 0; !this.core.done; steps++) {
      if (steps > stepsMax) throw new Error('the run does not end');
      const [task, call] = [this.preparing[0], this.calls[0]];
      if (this.core.nextWakeAt() <= this.now) this.wake();
      else if (task !== undefined) this.ready(task);
      else if (call !== undefined) this.end(call, SUCCESS);
      else if (this.core.nextWakeAt() === Infinity) throw new Error('the run is stuck');
      else this.now = this.core.nextWakeAt();
    }
  }

  drain(): void {
    for (let effect = this.core.take(); effect !== undefined; effect = this.core.take()) this.#perform(effect);
    this.core.checkInvariants();
  }

  #perform(effect: DatasetEffect): void {
    if (this.done.length > 0) throw new Error(`${effect.kind} after done`);
    switch (effect.kind) {
      case 'call':
        this.calls.push(effect.call);
        return;
      case 'startTask':
        this.preparing.push(effect.task);
        return;
      case 'cancel':
        return;
      case 'row': {
        const name = `${effect.group}/${effect.row}`;
        if (this.rows.has(name)) throw new Error(`row ${name} ended twice`);
        this.rows.set(name, effect);
        return;
      }
      case 'checkpoint':
        this.checkpoints.push(effect.group);
        return;
      case 'done':
        this.done.push(effect.reason);
        return;
      default:
        effect satisfies never;
    }
  }
}

function planOf(columns: DriverSettings['columns'], rowGroups: readonly number[], cap: number): DatasetPlan {
  return {
    columns: columns.map((column, i) => {
      const name = column.name ?? `c${i}`;
      const generator = { kind: 'model', identity: ['p', 'm', 'chat'], weight: cap, columns: [name] } as const;
      return { name, dependsOn: [], generator, extent: 'cells', prepares: false, ...column };
    }),
    rowGroups: rowGroups.map((rows, id) => ({ id, rows })),
    endpoints: [{ provider: 'p', model: 'm', alias: 'a', limit: cap }],
  };
}
