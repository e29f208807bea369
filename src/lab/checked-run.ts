/**
 * A run held to invariants. It is the run it would be without them: they only listen. The first violation of each
 * invariant is kept, in the order in which they were found; the run goes on to its end, so that its digest is that of
 * the whole history. What ends a run in its midst (a policy at fault, a broken assert of a core) comes with what was
 * found before.
 */
import type { RequestRecord } from '../results/record.ts';
import type { Invariant, MadePolicy, PolicyCall, RowDrop, Violation, Watcher } from './invariants/invariant.ts';
import { Ledger } from './invariants/ledger.ts';
import type { ResolvedScenario } from './resolve.ts';
import type { RunOptions, RunOutcome, Runner, TapEntry } from './run-types.ts';

/** A violation, and whose promise it breaks. */
export interface BrokenPromise extends Violation {
  readonly invariant: string;
  readonly promise: string;
  readonly verdict: 'broken' | 'unfinished' | 'metastable';
}

export interface CheckedRun {
  readonly broken: readonly BrokenPromise[];
  /** Undefined when something ended the run in its midst: `fault`. */
  readonly outcome: RunOutcome | undefined;
  /** What the runner rejected with. */
  readonly fault: unknown;
}

/** As `runner`, held to the invariants. Does not reject. */
export async function runChecked(
  runner: Runner,
  resolved: ResolvedScenario,
  invariants: readonly Invariant[],
  options: RunOptions = {},
): Promise<CheckedRun> {
  const guard = new Guard(resolved, invariants);
  try {
    // A run that nobody watches is not listened to: each entry told costs an object.
    const listeners = invariants.length === 0 ? {} : guard.listeners(options);
    const outcome = await runner(resolved, { ...options, ...listeners });
    if (outcome.status !== 'interrupted') guard.end(outcome);
    return { broken: guard.broken, outcome, fault: undefined };
  } catch (fault) {
    return { broken: guard.broken, outcome: undefined, fault };
  }
}

interface Watching {
  readonly invariant: Invariant;
  readonly watcher: Watcher;
}

/** Hands what happens to the watchers that want it. */
class Guard {
  readonly broken: BrokenPromise[] = [];
  readonly #ledger = new Ledger();
  readonly #watching: readonly Watching[];
  readonly #ofEntry: readonly Watching[];
  readonly #ofRecord: readonly Watching[];
  /** By role, then by method. */
  readonly #ofCall = new Map<string, Map<string, Watching[]>>();
  #now = 0;

  constructor(resolved: ResolvedScenario, invariants: readonly Invariant[]) {
    this.#watching = invariants.map((invariant) => {
      const watcher = invariant.watch(resolved, (violation) => this.#report(invariant, violation));
      return { invariant, watcher };
    });
    this.#ofEntry = this.#watching.filter(({ watcher }) => watcher.entry !== undefined);
    this.#ofRecord = this.#watching.filter(({ watcher }) => watcher.record !== undefined);
    for (const each of this.#watching) {
      if (each.watcher.call === undefined) continue;
      for (const name of each.invariant.hears ?? []) {
        const [role = '', method = ''] = name.split('.');
        const ofRole = this.#ofCall.get(role) ?? new Map<string, Watching[]>();
        this.#ofCall.set(role, ofRole.set(method, [...(ofRole.get(method) ?? []), each]));
      }
    }
  }

  /** What the run is given besides the caller's own listeners, which hear first. */
  listeners({ tap, onRecord }: RunOptions): RunOptions {
    const methods = new Set<string>();
    for (const [role, ofRole] of this.#ofCall) for (const method of ofRole.keys()) methods.add(`${role}.${method}`);
    return {
      tap: {
        from: 0,
        to: Infinity,
        record: (entry) => {
          if (tap !== undefined && entry.index >= tap.from && entry.index < tap.to) tap.record(entry);
          this.#entry(entry);
        },
        rowDropped: (at, row, rule, last) => {
          tap?.rowDropped?.(at, row, rule, last);
          this.#rowDropped({ at, row, rule, last });
        },
      },
      onRecord: (record) => {
        onRecord?.(record);
        this.#record(record);
      },
      ...(methods.size === 0
        ? {}
        : { calls: { methods, called: (call) => this.#call(call), made: (policy) => this.#made(policy) } }),
    };
  }

  end(outcome: RunOutcome): void {
    for (const { invariant, watcher } of this.#watching) {
      this.#heard(invariant, () => watcher.end?.(outcome));
    }
  }

  #entry(entry: TapEntry): void {
    this.#now = entry.at;
    const request = this.#ledger.find(entry.request);
    // The hot path: no closure for each of them.
    for (const { invariant, watcher } of this.#ofEntry) {
      try {
        watcher.entry?.(entry, request);
      } catch (error) {
        this.#threw(invariant, error);
      }
    }
    this.#ledger.book(entry);
  }

  #call(call: PolicyCall): void {
    // The hot path: no text is put together, and no closure made.
    for (const { invariant, watcher } of this.#ofCall.get(call.role)?.get(call.method) ?? []) {
      try {
        watcher.call?.(call);
      } catch (error) {
        this.#threw(invariant, error);
      }
    }
  }

  #made(policy: MadePolicy): void {
    for (const { invariant, watcher } of this.#watching) this.#heard(invariant, () => watcher.made?.(policy));
  }

  #record(record: RequestRecord): void {
    for (const { invariant, watcher } of this.#ofRecord) this.#heard(invariant, () => watcher.record?.(record));
  }

  #rowDropped(drop: RowDrop): void {
    for (const { invariant, watcher } of this.#watching) this.#heard(invariant, () => watcher.rowDropped?.(drop));
  }

  #heard(invariant: Invariant, tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#threw(invariant, error);
    }
  }

  #threw(invariant: Invariant, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#report(invariant, { at: this.#now, message });
  }

  #report({ name, promise, verdict = 'broken' }: Invariant, violation: Violation): void {
    if (this.broken.some(({ invariant }) => invariant === name)) return;
    this.broken.push({ ...violation, invariant: name, promise, verdict });
  }
}
