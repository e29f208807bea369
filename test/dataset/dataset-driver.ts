/**
 * A dataset with its effects written out: `call 2.0` (row 2, column 0), `row 2 completed`, `done`; the reasons follow,
 * as in `row 2 dropped failed/upstream/400`. Calls that run are ended by their name.
 */
import { Rounds } from '../../policies/salvage/rounds.ts';
import type { Micros, Salvage, TaskFailure } from '../../policies/types.ts';
import { Dataset, type Task } from '../../src/dataset/dataset.ts';

export const RATE_LIMITED: TaskFailure = { reason: 'failed', cause: 'upstream', status: 429 };
export const QUEUE_TIMEOUT: TaskFailure = { reason: 'shed', cause: 'queue-timeout', status: 0 };
/** Heals, but is not preserved. */
export const INTERNAL: TaskFailure = { reason: 'failed', cause: 'upstream', status: 500 };
/** Never heals. */
export const BAD: TaskFailure = { reason: 'failed', cause: 'upstream', status: 400 };

export interface DatasetSettings {
  readonly rows: number;
  readonly columns?: number;
  readonly maxInFlight?: number;
  readonly roundsMax?: number;
  readonly pacing?: Micros;
  readonly salvage?: Salvage;
}

export const NOTHING = { queued: 0, inFlight: 0, deferred: 0 };

export class DatasetDriver {
  readonly dataset: Dataset;
  readonly running = new Map<string, Task>();

  constructor({ rows, columns = 1, maxInFlight = 100, roundsMax = 2, pacing = 50, salvage }: DatasetSettings) {
    const preserve = ['queue-timeout', 'rate-limited'] as const;
    this.dataset = new Dataset(
      {
        rows,
        columns: Array.from({ length: columns }, (_, i) => `c${i}`),
        maxInFlight,
        promptTokens: { dist: 'constant', value: 1 },
        outputTokens: { dist: 'constant', value: 1 },
      },
      salvage ?? new Rounds({ name: 'rounds', roundsMax, pacing, preserve: [...preserve] }),
    );
  }

  takeAll(): string[] {
    const lines: string[] = [];
    for (let effect = this.dataset.take(); effect !== undefined; effect = this.dataset.take()) {
      switch (effect.kind) {
        case 'call': {
          const name = `${effect.task.row}.${effect.task.column}`;
          lines.push(`call ${name}`);
          this.running.set(name, effect.task);
          break;
        }
        case 'row':
          lines.push([`row ${effect.row} ${effect.result}`, ...effect.reasons].join(' '));
          break;
        case 'done':
          lines.push('done');
      }
    }
    this.dataset.checkInvariants();
    return lines;
  }

  /** Begins and makes the first dispatch pass. */
  begin(now: Micros = 0): string[] {
    this.dataset.begin(now);
    return [...this.takeAll(), ...this.wake(now)];
  }

  wake(now: Micros): string[] {
    this.dataset.wake(now);
    return this.takeAll();
  }

  end(now: Micros, name: string, failure?: TaskFailure): string[] {
    const task = this.running.get(name);
    if (task === undefined) throw new Error(`no call ${name} runs`);
    this.running.delete(name);
    this.dataset.end(now, task, failure);
    return this.takeAll();
  }

  /** Ends every running call alike, in order. */
  endAll(now: Micros, failure?: TaskFailure): string[] {
    return [...this.running.keys()].flatMap((name) => this.end(now, name, failure));
  }
}
