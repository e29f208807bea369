/**
 * From the `faults:` block to plain windows: schedules are written out, rates, draws of workers and probabilities are
 * drawn. Activation has two phases, as in the simulation of FoundationDB: whether a fault is there at all
 * in this run, then whether each of its begins takes place. So a campaign of seeds meets runs with few faults that come
 * often, and others with none.
 *
 * Every draw is keyed by seed and name of the fault, begin and worker, and so is the same whatever other faults there
 * are; where there is no choice none is drawn.
 */
import { sampler } from '../kernel/distribution.ts';
import { Keyed } from '../kernel/rng.ts';
import type { FaultSiteFacts } from '../results/run-facts.ts';
import type { FaultConfig } from '../sim/fault-config.ts';
import { HOUR_US, ONCE, type Schedule } from './fault-schedule.ts';
import { nameOf, NO_WORKER, type Targets, targetsOf } from './fault-targets.ts';
import type { ParsedFault, ParsedFaults } from './faults-schema.ts';

const ONE_TOKEN = { dist: 'constant', value: 1 } as const;

/** What a fault came to. */
export interface FaultPlan {
  /** In the order of the list; within one fault by begin, then by worker. */
  readonly windows: FaultConfig[];
  /** One entry a fault of the list. */
  readonly sites: FaultSiteFacts[];
}

/** Every window of the run with this seed, and which faults are on. */
export function planFaults(faults: ParsedFaults, workers: number, seed: number): FaultPlan {
  const windows: FaultConfig[] = [];
  const sites = faults.map((fault, place) => {
    const name = nameOf(fault, place);
    const draws = new Draws(seed, name);
    const { active } = { ...ONCE, ...fault };
    const isActive = draws.says('active', active, 0, 0);
    const before = windows.length;
    if (isActive) {
      for (const { at, worker } of begins({ ...ONCE, ...fault }, targetsOf(fault, workers), draws)) {
        windows.push(windowOf(fault, at, worker));
      }
    }
    return { name, kind: fault.kind, active: isActive, windows: windows.length - before };
  });
  return { windows, sites };
}

interface Begin {
  readonly at: number;
  readonly worker: number;
}

/** Keyed draws of one fault, a stream for each purpose. */
class Draws {
  readonly #seed: number;
  readonly #name: string;
  readonly #streams = new Map<string, Keyed>();

  constructor(seed: number, name: string) {
    this.#seed = seed;
    this.#name = name;
  }

  says(purpose: string, probability: number, first: number, second: number): boolean {
    if (probability >= 1 || probability <= 0) return probability >= 1;
    return this.at(purpose, first, second).draw() < probability;
  }

  at(purpose: string, first: number, second: number): Keyed {
    const known = this.#streams.get(purpose) ?? new Keyed(this.#seed, `faults/${this.#name}/${purpose}`);
    this.#streams.set(purpose, known);
    return known.at(first, second);
  }
}

function begins(schedule: Schedule, { from, draw }: Targets, draws: Draws): Begin[] {
  const { rate, fires } = schedule;
  if (draw !== undefined) {
    return instants(schedule, NO_WORKER, draws)
      .map((at, begin) => ({ at, begin }))
      .filter(({ begin }) => draws.says('fires', fires, begin, NO_WORKER))
      .flatMap(({ at, begin }) => chosen(from, draw, draws.at('workers', begin, 0)).map((worker) => ({ at, worker })));
  }
  const each = (worker: number, at: number, begin: number): Begin[] => {
    return draws.says('fires', fires, begin, worker) ? [{ at, worker }] : [];
  };
  if (rate !== undefined) {
    return from.flatMap((worker) => instants(schedule, worker, draws).flatMap((at, begin) => each(worker, at, begin)));
  }
  return instants(schedule, NO_WORKER, draws).flatMap((at, begin) => from.flatMap((worker) => each(worker, at, begin)));
}

/** When it begins, of one worker when it has a rate. */
function instants({ at, every, times, rate, until = at }: Schedule, worker: number, draws: Draws): number[] {
  if (rate === undefined) return Array.from({ length: times }, (_, n) => (n === 0 ? at : at + n * every));
  const gaps = { dist: 'exponential', mean: HOUR_US / rate, min: 0, max: Infinity } as const;
  const gap = sampler(gaps, draws.at('gaps', worker, 0).draw);
  const all: number[] = [];
  for (let next = at + gap(); next < until; next += gap()) all.push(next);
  return all;
}

/** So many of them, each set as likely as any other, in their order. */
function chosen(from: readonly number[], count: number, draws: Keyed): number[] {
  const left = [...from];
  const out = new Set<number>();
  while (out.size < count) {
    const [worker] = left.splice(Math.floor(draws.draw() * left.length), 1);
    out.add(worker as number);
  }
  return from.filter((worker) => out.has(worker));
}

function windowOf(fault: ParsedFault, at: number, worker: number): FaultConfig {
  switch (fault.kind) {
    case 'crash':
      return { kind: 'crash', at, forUs: fault.for, worker };
    case 'restart':
      return { kind: 'restart', at, forUs: fault.load, worker };
    case 'hang':
      return { kind: 'hang', at, forUs: fault.for, worker, scope: fault.scope };
    case 'half':
      return { kind: 'half', at, forUs: fault.for, worker, side: fault.side };
    case 'link':
      return { kind: 'link', at, forUs: fault.for, worker, factor: fault.factor };
    case 'slow':
      return { kind: 'slow', at, forUs: fault.for, worker, factor: fault.factor };
    case 'errors':
    case 'rate-limit': {
      const retryAfterUs = fault.retryAfter === Infinity ? -1 : fault.retryAfter;
      const status = fault.kind === 'errors' ? fault.status : 429;
      return { kind: 'errors', at, forUs: fault.for, worker, ratio: fault.ratio, status, retryAfterUs };
    }
    case 'cut':
      return cutOf(fault, { at, forUs: fault.for, worker, ratio: fault.ratio });
    case 'partition':
      return { kind: 'partition', at, forUs: fault.for, worker, loses: fault.loses };
    case 'skew':
      return { kind: 'skew', at, forUs: fault.for, worker, aheadUs: fault.ahead ?? -(fault.behind ?? 0) };
    case 'misreport': {
      const says: Record<string, number> = {};
      for (const [field, value] of Object.entries(fault.says)) {
        if (value !== undefined) says[field] = value === Infinity ? -1 : value;
      }
      return { kind: 'misreport', at, forUs: fault.for, worker, ratio: fault.ratio, says };
    }
    case 'join':
      return { kind: 'join', at, worker, loadUs: fault.load };
    case 'drain':
      return {
        ...{ kind: 'drain', at, forUs: fault.for, worker, boundUs: fault.bound, loadUs: fault.load },
        ...(fault.notice === 0 ? {} : { noticeUs: fault.notice }),
      };
    case 'stall':
      return { kind: 'stall', host: fault.host, at, forUs: fault.for };
    default:
      return fault satisfies never;
  }
}

/** By tokens, or by the clock. */
function cutOf(
  { after, age, silence }: Extract<ParsedFault, { kind: 'cut' }>,
  window: { readonly at: number; readonly forUs: number; readonly worker: number; readonly ratio: number },
): FaultConfig {
  if (age !== undefined) return { kind: 'timed-cut', ...window, afterUs: age, strikes: 'any' };
  if (silence !== undefined) return { kind: 'timed-cut', ...window, afterUs: silence, strikes: 'silent' };
  return { kind: 'cut', ...window, afterTokens: after ?? ONE_TOKEN };
}
