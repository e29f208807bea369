/**
 * What a report draws of one run, gathered while it runs: levels over time, and of each request when it was sent, how
 * it ended and how long it took. Above a bound requests are sampled by a hash of their id, the same ones in every
 * variant.
 */
import { mix32 } from '../kernel/rng.ts';
import { requestOutcome } from '../results/outcome.ts';
import type { RequestRecord } from '../results/record.ts';
import { RunSeries, type SeriesData } from '../results/run-series.ts';

const REQUESTS_MAX = 20_000;

export interface ChartedRequest {
  readonly id: number;
  /** Microseconds. */
  readonly sentAt: number;
  readonly finishedAt: number;
  /** Microseconds; -1: no first token reached the client. */
  readonly ttftUs: number;
  readonly outcome: string;
  readonly attempts: number;
  readonly worker: number;
}

export interface ChartData {
  readonly series: SeriesData;
  readonly requests: readonly ChartedRequest[];
  /** One request in so many is among them. */
  readonly oneIn: number;
}

export class Charts {
  readonly series = new RunSeries();
  #requests: ChartedRequest[] = [];
  /** Requests whose hash has these bits clear are kept. */
  #mask = 0;

  request(record: RequestRecord): void {
    const { id, sentAt, finishedAt, firstTokenAt, attempts, worker } = record;
    if ((mix32(id) & this.#mask) !== 0) return;
    const ttftUs = firstTokenAt < 0 ? (record.reason === 'ok' ? finishedAt - sentAt : -1) : firstTokenAt - sentAt;
    const outcome = requestOutcome(record, false);
    this.#requests.push({ id, sentAt, finishedAt, ttftUs, outcome, attempts, worker });
    if (this.#requests.length <= REQUESTS_MAX) return;
    this.#mask = this.#mask * 2 + 1;
    this.#requests = this.#requests.filter((each) => (mix32(each.id) & this.#mask) === 0);
  }

  data(): ChartData {
    const requests = [...this.#requests].sort((a, b) => a.sentAt - b.sentAt || a.id - b.id);
    return { series: this.series.data(), requests, oneIn: this.#mask + 1 };
  }
}
