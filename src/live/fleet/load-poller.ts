/**
 * Asks each worker for its load, one question at a time, and reports what it answers to the core. A worker that does
 * not answer is not reported: how old a report may be is the policies' affair.
 */
import type { LoadReport, Micros } from '../../../policies/types.ts';
import type { Agenda, Deadline } from '../agenda.ts';
import { type LastCount, serverInfoText, sglangLoads, sglangMetricsReport, vllmReport } from './load-reports.ts';
import type { WorkerAnswer } from './worker-query.ts';

export interface LoadRules {
  readonly source: 'none' | 'vllm' | 'sglang';
  /** Microseconds. */
  readonly every: number;
  readonly timeout: number;
  /** How old a report is: since it arrived, or by the clock of a worker that stamps it. */
  readonly stamps: 'arrival' | 'worker';
}

export interface PollerPeers {
  now(): Micros;
  rules(): LoadRules;
  /** Asks `GET path`; the function that is answered gives the question up. */
  ask(worker: number, path: string, done: (answer: WorkerAnswer | undefined) => void): () => void;
  configured(worker: number, ranks: number): void;
  report(worker: number, rank: number, report: LoadReport): void;
  /** A question for load is over. */
  polled(worker: number, isGood: boolean): void;
}

const SGLANG_LOADS = '/v1/loads?include=core,disagg,queues,memory';

interface Polled {
  readonly next: Deadline;
  readonly timeout: Deadline;
  askedAt: Micros;
  giveUp: (() => void) | undefined;
  last: LastCount | undefined;
  /** Of SGLang; undefined until it said so. */
  maxRunning: number | undefined;
  hasLoads: boolean;
  ranks: number;
}

export class LoadPoller {
  readonly #agenda: Agenda;
  readonly #peers: PollerPeers;
  readonly #polled = new Map<number, Polled>();

  constructor(agenda: Agenda, peers: PollerPeers) {
    this.#agenda = agenda;
    this.#peers = peers;
  }

  add(worker: number): void {
    if (this.#polled.has(worker) || this.#peers.rules().source === 'none') return;
    const polled: Polled = {
      next: this.#agenda.deadline(() => this.#poll(worker, polled)),
      timeout: this.#agenda.deadline(() => this.#timedOut(worker, polled)),
      askedAt: 0,
      giveUp: undefined,
      last: undefined,
      maxRunning: undefined,
      hasLoads: true,
      ranks: 0,
    };
    this.#polled.set(worker, polled);
    this.#agenda.set(polled.next, this.#peers.now());
  }

  remove(worker: number): void {
    const polled = this.#polled.get(worker);
    if (polled === undefined) return;
    this.#polled.delete(worker);
    this.#agenda.cancel(polled.next);
    this.#agenda.cancel(polled.timeout);
    polled.giveUp?.();
  }

  close(): void {
    for (const worker of [...this.#polled.keys()]) this.remove(worker);
  }

  #poll(worker: number, polled: Polled): void {
    polled.askedAt = this.#peers.now();
    this.#agenda.set(polled.timeout, polled.askedAt + this.#peers.rules().timeout);
    const { source } = this.#peers.rules();
    if (source === 'vllm') this.#askVllm(worker, polled);
    else if (source === 'sglang') this.#askSglang(worker, polled);
    else this.#over(worker, polled, false);
  }

  #askVllm(worker: number, polled: Polled): void {
    this.#ask(worker, polled, '/metrics', (body) => {
      const read = vllmReport(body, this.#peers.now(), polled.last);
      polled.last = read?.count;
      if (read !== undefined) this.#report(worker, polled, 1, [{ rank: 0, report: read.report }]);
      this.#over(worker, polled, read !== undefined);
    });
  }

  /** The engine's size first, then its loads; where it has none, its metrics. */
  #askSglang(worker: number, polled: Polled): void {
    if (polled.maxRunning === undefined) {
      this.#ask(worker, polled, '/server_info', (body) => {
        polled.maxRunning = serverInfoText(body).maxRunning;
        this.#askSglang(worker, polled);
      });
    } else if (polled.hasLoads) {
      this.#ask(worker, polled, SGLANG_LOADS, (body) => {
        const isStamped = this.#peers.rules().stamps === 'worker';
        const reports = sglangLoads(body, isStamped ? (unixSec) => this.#instantOf(unixSec) : undefined);
        if (reports === undefined) {
          polled.hasLoads = false;
          this.#askSglang(worker, polled);
          return;
        }
        this.#report(worker, polled, reports.length, reports);
        this.#over(worker, polled, true);
      });
    } else {
      const maxRunning = polled.maxRunning;
      this.#ask(worker, polled, '/metrics', (body) => {
        const report = sglangMetricsReport(body, maxRunning);
        if (report !== undefined) this.#report(worker, polled, 1, [{ rank: 0, report }]);
        this.#over(worker, polled, report !== undefined);
      });
    }
  }

  /** `read` gets the body of a good answer; '' of one that says there is nothing here. */
  #ask(worker: number, polled: Polled, path: string, read: (body: string) => void): void {
    polled.giveUp = this.#peers.ask(worker, path, (answer) => {
      if (this.#polled.get(worker) !== polled) return;
      if (answer === undefined || answer.status >= 500) this.#over(worker, polled, false);
      else read(answer.status === 200 ? answer.body : '');
    });
  }

  #timedOut(worker: number, polled: Polled): void {
    polled.giveUp?.();
    this.#over(worker, polled, false);
  }

  #report(
    worker: number,
    polled: Polled,
    ranks: number,
    reports: readonly { readonly rank: number; readonly report: LoadReport }[],
  ): void {
    if (polled.ranks !== ranks) {
      polled.ranks = ranks;
      this.#peers.configured(worker, ranks);
    }
    for (const { rank, report } of reports) this.#peers.report(worker, rank, report);
  }

  /** Of our run, though the clock that told it may be wrong. */
  #instantOf(unixSec: number): Micros {
    return this.#peers.now() + Math.round((unixSec * 1000 - Date.now()) * 1000);
  }

  #over(worker: number, polled: Polled, isGood: boolean): void {
    polled.giveUp = undefined;
    this.#agenda.cancel(polled.timeout);
    this.#peers.polled(worker, isGood);
    // At its own pace, however long an answer takes.
    this.#agenda.set(polled.next, Math.max(this.#peers.now(), polled.askedAt + this.#peers.rules().every));
  }
}
