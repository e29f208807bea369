/**
 * What became of the requests sent in each of a few stretches of a run (before a fault, while it lasts, after), or of
 * one tenant's among them. A request belongs to the window it was sent in, whenever it ends; only `in_flight_mean`
 * and `granted_mean` look at the time itself and count whoever was there in the window.
 */
import { isGood } from './good.ts';
import type { RequestRecord } from './record.ts';
import type { Slo } from './recorder.ts';
import { Sample } from './sample.ts';
import { statistic } from './statistics.ts';

/** [from, to), microseconds since the run began. */
export interface WindowConfig {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** Only this tenant's; undefined: everybody's. */
  readonly tenant?: string | undefined;
}

/** As in the result document; see `result-fields.ts`. */
export interface WindowResult {
  readonly offered: number;
  readonly completed: number;
  readonly failed: number;
  readonly good_request_fraction: number | null;
  readonly request_goodput: number;
  readonly attempts: number;
  readonly amplification: number | null;
  readonly in_flight_mean: number;
  readonly granted_mean: number;
  readonly median_ttft_ms: number | null;
  readonly p99_ttft_ms: number | null;
  readonly median_e2el_ms: number | null;
  readonly p99_e2el_ms: number | null;
  readonly max_e2el_ms: number | null;
}

const US_PER_MS = 1e3;
const US_PER_SEC = 1e6;

class WindowTally {
  readonly #window: WindowConfig;
  readonly #ttft = new Sample();
  readonly #e2el = new Sample();
  #offered = 0;
  #completed = 0;
  #good = 0;
  #attempts = 0;
  #inFlightUs = 0;
  #grantedUs = 0;

  constructor(window: WindowConfig) {
    this.#window = window;
  }

  request(record: RequestRecord, slo: Slo): void {
    const { from, to, tenant } = this.#window;
    if (tenant !== undefined && record.tenant !== tenant) return;
    const { sentAt, startedAt, finishedAt, firstTokenAt } = record;
    this.#inFlightUs += Math.max(0, Math.min(finishedAt, to) - Math.max(sentAt, from));
    if (startedAt >= 0) this.#grantedUs += Math.max(0, Math.min(finishedAt, to) - Math.max(startedAt, from));
    if (sentAt < from || sentAt >= to) return;
    this.#offered++;
    this.#attempts += record.attempts;
    if (isGood(record, slo)) this.#good++;
    if (record.reason !== 'ok') return;
    this.#completed++;
    this.#ttft.add((firstTokenAt < 0 ? finishedAt : firstTokenAt) - sentAt);
    this.#e2el.add(finishedAt - sentAt);
  }

  result(): WindowResult {
    const us = this.#window.to - this.#window.from;
    const offered = this.#offered;
    const inMs = (value: number | null): number | null => (value === null ? null : value / US_PER_MS);
    return {
      offered,
      completed: this.#completed,
      failed: offered - this.#completed,
      good_request_fraction: offered === 0 ? null : this.#good / offered,
      request_goodput: this.#good / (us / US_PER_SEC),
      attempts: this.#attempts,
      amplification: offered === 0 ? null : this.#attempts / offered,
      in_flight_mean: this.#inFlightUs / us,
      granted_mean: this.#grantedUs / us,
      median_ttft_ms: inMs(statistic(this.#ttft, 'median')),
      p99_ttft_ms: inMs(statistic(this.#ttft, 'p99')),
      median_e2el_ms: inMs(statistic(this.#e2el, 'median')),
      p99_e2el_ms: inMs(statistic(this.#e2el, 'p99')),
      max_e2el_ms: inMs(statistic(this.#e2el, 'max')),
    };
  }
}

/** Gathers them from the records of a run. Requests that never end are not in any window. */
export class WindowTallies {
  readonly #slo: Slo;
  readonly #tallies: readonly (readonly [name: string, tally: WindowTally])[];

  constructor(windows: readonly WindowConfig[], slo: Slo) {
    this.#slo = slo;
    this.#tallies = windows.map((window) => [window.name, new WindowTally(window)]);
  }

  request(record: RequestRecord): void {
    for (const [, tally] of this.#tallies) tally.request(record, this.#slo);
  }

  /** By name, in the order of the scenario. */
  results(): Readonly<Record<string, WindowResult>> {
    return Object.fromEntries(this.#tallies.map(([name, tally]) => [name, tally.result()]));
  }
}
