/**
 * What a busy gate keeps under any commands, against a model that holds every report ever made and judges each question
 * from them anew; and the promise that silence never closes a worker for good.
 */
import fc from 'fast-check';
import { busy, type Busy } from '../../../policies/busy/busy.ts';
import type { BusyConfig } from '../../../policies/busy/config.ts';
import type { LoadReport } from '../../../policies/types.ts';
import { attemptResult, loadReport, requestView, workerView } from '../../policies/views.ts';
import { claim, claimEqual } from '../claim.ts';

type Make = (config: BusyConfig) => Busy;

const WORKERS = [0, 1, 2];
const STALE = 30;
const HOLD = 4;

const worker = fc.constantFrom(...WORKERS);
const level = fc.constantFrom(-1, 0, 49, 50, 51, 100);
const ratio = fc.constantFrom(0, 0.49, 0.5, 1, Infinity);
const command = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('report' as const),
      worker,
      rank: fc.nat({ max: 2 }),
      kvUsedBlocks: level,
      decodeBlocks: level,
      prefillTokens: level,
      kvTotalBlocks: fc.constantFrom(-1, 100, 100, 200),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('advance' as const), us: fc.constantFrom(1, 3, 10, 29, 30) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('ranks' as const), worker, ranks: fc.nat({ max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('discover' as const), workers: fc.subarray(WORKERS) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('refuse' as const), worker }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('thresholds' as const),
      kvUsedRatioMax: ratio,
      decodeRatioMax: ratio,
      prefillTokensMax: fc.constantFrom(0, 50, Infinity),
    }),
  },
);
type Command = typeof command extends fc.Arbitrary<infer Kind> ? Kind : never;
type Thresholds = Pick<BusyConfig, 'kvUsedRatioMax' | 'decodeRatioMax' | 'prefillTokensMax'>;

function made(make: Make): Busy {
  const gate = make({ ...busy.config.parse({ name: 'busy' }), staleAfter: STALE, refusalHold: HOLD });
  gate.discovered(0, WORKERS);
  for (const index of WORKERS) gate.statusChanged(0, index, 'ready');
  return gate;
}

/** All that was ever said, by worker since it joined. */
class Model {
  thresholds: Thresholds = { kvUsedRatioMax: 0.9, decodeRatioMax: Infinity, prefillTokensMax: Infinity };
  readonly #log = new Map<number, { at: number; rank: number; report: LoadReport }[]>();
  readonly #ranks = new Map<number, number>();
  readonly #refusedAt = new Map<number, number>();
  known: readonly number[] = [];

  discover(workers: readonly number[]): void {
    for (const index of WORKERS.filter((each) => !workers.includes(each))) {
      this.#log.delete(index);
      this.#ranks.delete(index);
      this.#refusedAt.delete(index);
    }
    this.known = workers;
  }

  report(now: number, worker: number, rank: number, report: LoadReport): void {
    if (!this.known.includes(worker)) return;
    const log = this.#log.get(worker) ?? [];
    const heard = rank < (this.#ranks.get(worker) ?? Infinity);
    const said = heard ? { at: now, rank, report } : { at: now, rank: -1, report: silenced(report) };
    this.#log.set(worker, [...log, said]);
    if (heard) this.#refusedAt.delete(worker);
  }

  ranks(worker: number, ranks: number): void {
    if (!this.known.includes(worker)) return;
    this.#ranks.set(worker, ranks);
    const log = this.#log.get(worker) ?? [];
    this.#log.set(
      worker,
      log.map((each) => (each.rank < ranks ? each : { ...each, rank: -1, report: silenced(each.report) })),
    );
  }

  refuse(now: number, worker: number): void {
    if (this.known.includes(worker)) this.#refusedAt.set(worker, now);
  }

  busy(now: number): number[] {
    return this.known.filter((worker) => this.#isBusy(now, worker));
  }

  #isBusy(now: number, worker: number): boolean {
    if (now < (this.#refusedAt.get(worker) ?? -Infinity) + HOLD) return true;
    const log = this.#log.get(worker) ?? [];
    const declared = this.#ranks.get(worker);
    const total = log.map(({ report }) => report.kvTotalBlocks).findLast((blocks) => blocks !== -1) ?? -1;
    const heard = [...new Set(log.map(({ rank }) => rank))].filter((rank) => rank >= 0);
    const ranks = declared === undefined ? heard : Array.from({ length: declared }, (_, rank) => rank);
    return ranks.length > 0 && ranks.every((rank) => this.#rankOver(now, worker, rank, total));
  }

  #rankOver(now: number, worker: number, rank: number, total: number): boolean {
    const log = (this.#log.get(worker) ?? []).filter((each) => each.rank === rank);
    const fresh = (field: 'kvUsedBlocks' | 'decodeBlocks' | 'prefillTokens') => {
      const last = log.findLast(({ report }) => report[field] !== -1);
      return last !== undefined && now < last.at + STALE ? last.report[field] : -1;
    };
    const { kvUsedRatioMax, decodeRatioMax, prefillTokensMax } = this.thresholds;
    if (fresh('prefillTokens') > prefillTokensMax) return true;
    if (total <= 0) return false;
    return fresh('kvUsedBlocks') / total > kvUsedRatioMax || fresh('decodeBlocks') / total > decodeRatioMax;
  }
}

/** What a rank that does not exist said is void, but for the size of the worker. */
function silenced(report: LoadReport): LoadReport {
  return { ...report, kvUsedBlocks: -1, decodeBlocks: -1, prefillTokens: -1 };
}

function apply(gate: Busy, model: Model, step: Exclude<Command, { kind: 'advance' }>, now: number): void {
  switch (step.kind) {
    case 'report': {
      const report = loadReport(step);
      // The gateway passes on what known workers say, and only of them.
      if (!model.known.includes(step.worker)) return;
      gate.reported(now, step.worker, step.rank, report);
      model.report(now, step.worker, step.rank, report);
      break;
    }
    case 'ranks':
      if (!model.known.includes(step.worker)) return;
      gate.configured(now, step.worker, step.ranks);
      model.ranks(step.worker, step.ranks);
      break;
    case 'discover':
      gate.discovered(now, step.workers);
      model.discover(step.workers);
      break;
    case 'refuse': {
      const attempt = { id: -2, request: requestView(), worker: workerView({ index: step.worker }), startedAt: now };
      gate.settled(now, attempt, attemptResult({ outcome: 'refused' }));
      model.refuse(now, step.worker);
      break;
    }
    case 'thresholds':
      gate.setThresholds(now, step);
      model.thresholds = step;
      break;
    default:
      step satisfies never;
  }
}

const commands = fc.array(command, { maxLength: 40, size: 'max' });

/** Plays the commands; answers the instant of the last. */
function play(gate: Busy, model: Model, steps: readonly Command[], check: (now: number) => void): number {
  let now = 0;
  model.discover(WORKERS);
  for (const step of steps) {
    if (step.kind === 'advance') now += step.us;
    else apply(gate, model, step, now);
    check(now);
  }
  return now;
}

const allows = (gate: Busy, now: number, index: number) => gate.allows(now, workerView({ index }));

/** Whom the model calls busy is busy, at every instant until it next reconsiders. */
export function busyProperty(make: Make) {
  return fc.property(commands, (steps) => {
    const gate = made(make);
    const model = new Model();
    play(gate, model, steps, (now) => {
      const expected = model.busy(now);
      claimEqual(gate.busyWorkers(now), expected, 'busy workers');
      const allowed = WORKERS.filter((index) => allows(gate, now, index));
      claim(!allowed.some((index) => expected.includes(index)), 'a busy worker is allowed');
      const reconsiderAt = gate.reconsiderAt(now);
      claim(reconsiderAt > now, 'asks to be reconsidered at an instant that has come');
      // Just before that instant nothing has changed.
      const before = Math.min(reconsiderAt, now + 100) - 0.5;
      claimEqual(WORKERS.filter((index) => allows(gate, before, index)), allowed, 'workers allowed until then');
    });
  });
}

/** No worker is stuck once reports stop, if probes are ok. */
export function silenceProperty(make: Make) {
  return fc.property(commands, (steps) => {
    const gate = made(make);
    let now = play(gate, new Model(), steps, () => undefined);
    gate.reportsEnded(now);
    // Whenever the gate says so it is asked again; each allowed worker gets one request, which ends ok.
    let id = 0;
    for (let turn = 0; turn < 4 * WORKERS.length && gate.reconsiderAt(now) < Infinity; turn++) {
      now = gate.reconsiderAt(now);
      for (const index of WORKERS.filter((each) => allows(gate, now, each))) {
        const attempt = { id: id++, request: requestView(), worker: workerView({ index }), startedAt: now };
        gate.granted(now, attempt);
        gate.settled(now, attempt, attemptResult({ outcome: 'ok' }));
      }
    }
    claimEqual(gate.busyWorkers(now), [], 'busy workers long after the last report');
    claim(gate.reconsiderAt(now) === Infinity, 'there is something left to reconsider');
    for (const index of WORKERS) claim(allows(gate, now, index), 'a worker is shut for good', index);
  });
}

/** A worker whose probes all hang is tried again every `staleAfter`. */
export function hungProbesProperty(make: Make) {
  return fc.property(worker, commands, (index, steps) => {
    const gate = made(make);
    const end = play(gate, new Model(), steps, () => undefined);
    let hung = 0;
    for (let now = end + 2 * STALE; now < end + 10 * STALE; now += STALE) {
      claim(allows(gate, now, index), 'no probe is let through', now - end);
      const attempt = { id: hung++, request: requestView(), worker: workerView({ index }), startedAt: now };
      gate.granted(now, attempt);
    }
  });
}
