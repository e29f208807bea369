/**
 * Did the system come back? A run is metastable when the last trouble is over, its load is the one it carried before,
 * and its goodput stays below what it was: retries, timeouts or a policy's memory keep it there. Judged from the
 * requests alone, by when they were sent:
 * - *Trouble* is every fault, a single burst, and every phase of arrivals above the rate of the first. A fault that
 * never ends is over for this purpose once it is there.
 * - The level before is the fraction of good requests sent before the first trouble. Below 0.9, or of fewer than 20
 * requests, nothing is judged: a system that never carried its load cannot return to that.
 * - Afterwards requests are looked at in groups of 20, in the order in which they were sent. The system is back with
 * the first request of a group when the fraction of good ones from there to the end is at least `ratio` of the level
 * before, and so it is from every later group on. What both fractions may err by is allowed for, four standard errors
 * of their difference: a verdict is about a collapse, not about bad luck.
 *
 * Source: the liveness phase of TigerBeetle's VOPR, and the verdict of N. Bronson et al., Metastable failures in
 * distributed systems, HotOS 2021.
 */
import { isGood } from '../results/good.ts';
import type { RequestRecord } from '../results/record.ts';
import type { WorldConfig } from '../sim/config.ts';
import type { ArrivalsConfig, WorkloadConfig } from '../workload/config.ts';

export interface RecoveryPlan {
  /** From the end of the last trouble, microseconds. */
  readonly withinUs: number;
  /** Of the level before, 0 to 1. */
  readonly ratio: number;
}

export interface Recovery {
  /** `undecided`: there is not enough before or after the trouble to judge by; `why` says which. */
  readonly verdict: 'recovered' | 'metastable' | 'undecided';
  readonly why: string;
  /** End of the last trouble, microseconds. */
  readonly clearedAt: number;
  /** From then until the level was back for good, microseconds; Infinity: not by the end. */
  readonly recoveredUs: number;
  /** Fractions of good requests before the trouble and after it, 0 to 1. */
  readonly levelBefore: number;
  readonly levelAfter: number;
  /** Attempts per request sent after it. */
  readonly amplificationAfter: number;
}

const GROUP = 20;
const LEVEL_MIN = 0.9;
const STANDARD_ERRORS = 4;

/** When the trouble begins and ends, microseconds; undefined: there is none. */
export function troubleOf(
  faults: WorldConfig['faults'],
  workload: WorkloadConfig | undefined,
): { readonly from: number; readonly to: number } | undefined {
  let [from, to] = [Infinity, -Infinity];
  const add = (begin: number, end: number): void => {
    [from, to] = [Math.min(from, begin), Math.max(to, end)];
  };
  for (const fault of faults) {
    const lasts = fault.kind === 'join' ? fault.loadUs : fault.forUs + (fault.kind === 'drain' ? fault.loadUs : 0);
    add(fault.at, fault.at + (lasts === Infinity ? 0 : lasts));
  }
  if (workload?.kind === 'open' && workload.arrivals.process === 'bursts' && workload.arrivals.everyUs === Infinity) {
    add(workload.arrivals.firstAt, workload.arrivals.firstAt);
  }
  for (const { begin, end } of workload?.kind === 'open' ? spikes(workload.arrivals) : []) add(begin, end);
  return from === Infinity ? undefined : { from, to };
}

/** Phases in which more is asked than the system carried before. */
function spikes(arrivals: ArrivalsConfig): { readonly begin: number; readonly end: number }[] {
  if (arrivals.process !== 'phases') return [];
  const usual = arrivals.phases[0]?.toPerSec ?? 0;
  let begin = 0;
  return arrivals.phases.flatMap(({ forUs, fromPerSec, toPerSec }) => {
    const spike = { begin, end: begin + forUs };
    begin = spike.end;
    return Math.max(fromPerSec, toPerSec) > usual ? [spike] : [];
  });
}

interface Sent {
  readonly at: number;
  readonly good: boolean;
  readonly attempts: number;
}

/** Gathers the requests of one run and judges it. */
export class RecoveryWatch {
  readonly #plan: RecoveryPlan;
  readonly #config: WorldConfig;
  readonly #trouble: ReturnType<typeof troubleOf>;
  readonly #before: Sent[] = [];
  readonly #after: Sent[] = [];

  constructor(plan: RecoveryPlan, config: WorldConfig, workload: WorkloadConfig | undefined) {
    this.#plan = plan;
    this.#config = config;
    this.#trouble = troubleOf(config.faults, workload);
  }

  request(record: RequestRecord): void {
    const trouble = this.#trouble;
    if (trouble === undefined) return;
    const sent = { at: record.sentAt, good: isGood(record, this.#config.slo), attempts: record.attempts };
    if (sent.at >= trouble.to) this.#after.push(sent);
    else if (sent.at < trouble.from && sent.at >= this.#config.limits.warmupUs) this.#before.push(sent);
  }

  verdict(): Recovery {
    const clearedAt = this.#trouble?.to ?? 0;
    const after = [...this.#after].sort((a, b) => a.at - b.at);
    const levelBefore = levelOf(this.#before);
    const facts = {
      clearedAt,
      levelBefore,
      levelAfter: levelOf(after),
      amplificationAfter: after.reduce((sum, { attempts }) => sum + attempts, 0) / Math.max(1, after.length),
    };
    const missing = this.#missing(after, levelBefore);
    if (missing !== undefined) return { verdict: 'undecided', why: missing, recoveredUs: Infinity, ...facts };
    const recoveredUs = backAt(after, this.#before, this.#plan.ratio) - clearedAt;
    if (recoveredUs <= this.#plan.withinUs) return { verdict: 'recovered', why: '', recoveredUs, ...facts };
    const lastAt = after.at(-1)?.at ?? clearedAt;
    if (recoveredUs === Infinity && lastAt < clearedAt + this.#plan.withinUs) {
      return { verdict: 'undecided', why: 'nothing was sent for so long after the trouble', recoveredUs, ...facts };
    }
    return { verdict: 'metastable', why: '', recoveredUs, ...facts };
  }

  #missing(after: readonly Sent[], levelBefore: number): string | undefined {
    if (this.#trouble === undefined) return 'nothing went wrong';
    if (this.#before.length < GROUP) return `fewer than ${GROUP} requests were sent before the trouble`;
    if (levelBefore < LEVEL_MIN) return `fewer than ${LEVEL_MIN * 100} % of the requests before it were good`;
    return after.length < GROUP ? `fewer than ${GROUP} requests were sent after the trouble` : undefined;
  }
}

function levelOf(sent: readonly Sent[]): number {
  return sent.filter(({ good }) => good).length / Math.max(1, sent.length);
}

/** Instant of the first request of the first group from which on the level is back; Infinity: of none. */
function backAt(after: readonly Sent[], before: readonly Sent[], ratio: number): number {
  const target = ratio * levelOf(before);
  let at = Infinity;
  for (let end = after.length; end > 0; ) {
    const start = end < 2 * GROUP ? 0 : end - GROUP;
    const rest = after.slice(start);
    const error = Math.sqrt(varianceOf(before) + varianceOf(rest));
    if (levelOf(rest) < target - STANDARD_ERRORS * error) return at;
    at = after[start]?.at ?? Infinity;
    end = start;
  }
  return at;
}

/** Of the fraction. One more good and one more bad request than there were: a fraction of 1 may err, too. */
function varianceOf(sent: readonly Sent[]): number {
  const known = (levelOf(sent) * sent.length + 1) / (sent.length + 2);
  return (known * (1 - known)) / sent.length;
}
