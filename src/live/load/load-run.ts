/**
 * Sends a workload to a real endpoint in real time and counts what its clients see, by the same recorder as a simulated
 * run. The load is open where the workload is: a request is sent when it is due, whatever became of those before it,
 * and its latency counts from that intended instant, not from when this process got round to it (no coordinated
 * omission). How late requests left is counted too: a client that cannot keep up measures itself.
 */
import type { AttemptOutcome, FinishReason, Micros } from '../../../policies/types.ts';
import type { RequestRecord } from '../../results/record.ts';
import type { Recorder } from '../../results/recorder.ts';
import type { RunSeries } from '../../results/run-series.ts';
import { Sample } from '../../results/sample.ts';
import type { Arrival, Refillable, Workload } from '../../workload/arrival.ts';
import { LiveClock } from '../clock.ts';
import { type LoadEnd, LoadRequest } from './load-request.ts';
import type { LoadTarget } from './load-target.ts';

export interface LoadInit {
  readonly target: LoadTarget;
  readonly workload: Workload;
  /** The waiting side of a workload that reads a file. */
  readonly file: Refillable | undefined;
  readonly recorder: Recorder;
  /** A client leaves then; Infinity: never. */
  readonly clientTimeoutUs: Micros;
  /** After the last arrival; what still runs then is left unfinished. */
  readonly drainUs: Micros;
  readonly series: RunSeries | undefined;
  readonly onProgress?: ((finished: number, now: Micros) => void) | undefined;
}

export type LoadStatus = 'ok' | 'unfinished' | 'interrupted';

export interface LoadOutcome {
  readonly status: LoadStatus;
  readonly endedAt: Micros;
  /** How much later than intended requests left, microseconds. */
  readonly lateness: Sample;
  /** Requests still running when it ended. */
  readonly held: number;
}

interface Sent {
  readonly arrival: Arrival;
  readonly request: LoadRequest;
  timer: NodeJS.Timeout | undefined;
}

/** A client sees one attempt a request, whatever the gateway made of it. */
const ATTEMPTS: Readonly<Record<FinishReason, AttemptOutcome>> = {
  ok: 'ok',
  failed: 'failed',
  timeout: 'timeout',
  cancelled: 'cancelled',
  shed: 'refused',
};

const US_PER_MS = 1000;
/** Timers of node are late by about so much; the rest of a wait is spent looking at the clock. */
const TIMER_SLACK_US = 1500;
const PROGRESS_US = 100_000;

export class LoadRun {
  readonly #init: LoadInit;
  readonly #clock = new LiveClock();
  readonly #running = new Map<number, Sent>();
  readonly #lateness = new Sample();
  #made = 0;
  #isStopped = false;
  #isRefilling = false;
  #lastArrivalAt: Micros = 0;
  #timer: NodeJS.Timeout | undefined;
  #look: NodeJS.Immediate | undefined;
  #drain: NodeJS.Timeout | undefined;
  #sampling: NodeJS.Timeout | undefined;
  #over: (status: LoadStatus) => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;
  #shownAt: Micros = 0;

  constructor(init: LoadInit) {
    this.#init = init;
  }

  /** Resolves when all is answered, or as much as ever will be. Rejects with what reading the workload says. */
  async run(): Promise<LoadOutcome> {
    let status: LoadStatus;
    try {
      status = await new Promise<LoadStatus>((resolve, reject) => {
        [this.#over, this.#fail] = [resolve, reject];
        this.#sample();
        this.#pump();
      });
    } finally {
      for (const timer of [this.#timer, this.#drain, this.#sampling]) clearTimeout(timer);
      clearImmediate(this.#look);
    }
    const [endedAt, held] = [this.#clock.now(), this.#running.size];
    this.#isStopped = true;
    for (const { request, timer } of this.#running.values()) {
      clearTimeout(timer);
      request.leave();
    }
    return { status, endedAt, lateness: this.#lateness, held };
  }

  /** Sends no more and waits for nobody. */
  interrupt(): void {
    this.#over('interrupted');
  }

  /** Sends what is due and waits for what is next. */
  #pump(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#look);
    if (this.#isStopped) return;
    const { workload } = this.#init;
    let now = this.#clock.now();
    for (; workload.nextAt() <= now; now = this.#clock.now()) this.#send(workload.take(), now);
    if (workload.starved()) {
      void this.#refill();
      return;
    }
    const at = workload.nextAt();
    if (at < Infinity) this.#wait(at - now);
    else if (workload.ended()) this.#finishing();
  }

  #wait(us: Micros): void {
    if (us <= TIMER_SLACK_US) this.#look = setImmediate(() => this.#pump());
    else this.#timer = setTimeout(() => this.#pump(), Math.floor((us - TIMER_SLACK_US) / US_PER_MS));
  }

  async #refill(): Promise<void> {
    if (this.#isRefilling) return;
    this.#isRefilling = true;
    try {
      await this.#init.file?.refill();
    } catch (error) {
      this.#fail(error);
      return;
    } finally {
      this.#isRefilling = false;
    }
    this.#pump();
  }

  #send(arrival: Arrival, now: Micros): void {
    const { target, recorder, clientTimeoutUs } = this.#init;
    const id = this.#made++;
    const number = arrival.drawKey ?? id;
    this.#lastArrivalAt = arrival.at;
    this.#lateness.add(now - arrival.at);
    recorder.sent(arrival.at);
    const { path, headers, body } = target.request(arrival, number);
    const onGap = (gapUs: Micros): void => recorder.iteration(gapUs, 1);
    const request = new LoadRequest(target.isStream, () => this.#clock.now(), onGap, (end) => this.#ended(id, end));
    const sent: Sent = { arrival, request, timer: undefined };
    this.#running.set(id, sent);
    if (clientTimeoutUs < Infinity) {
      const leftMs = Math.max(0, (arrival.at + clientTimeoutUs - now) / US_PER_MS);
      sent.timer = setTimeout(() => request.leave(), leftMs);
    }
    target.pool.dispatch({ path, method: 'POST', headers, body }, request);
  }

  #ended(id: number, end: LoadEnd): void {
    const sent = this.#running.get(id);
    if (sent === undefined || this.#isStopped) return;
    this.#running.delete(id);
    clearTimeout(sent.timer);
    const { workload, recorder, onProgress } = this.#init;
    const isOk = end.reason === 'ok';
    recorder.attempt(ATTEMPTS[end.reason]);
    recorder.request(recordOf(id, sent.arrival, end), false);
    const { cause, status, retryAfterUs } = end;
    const answer = { ok: isOk, cause, isLate: end.reason === 'timeout', status, retryAfterUs };
    workload.completed?.(end.finishedAt, sent.arrival, answer);
    if (end.finishedAt - this.#shownAt >= PROGRESS_US) {
      this.#shownAt = end.finishedAt;
      onProgress?.(recorder.finished, end.finishedAt);
    }
    this.#pump();
  }

  /** Nothing more will be sent. */
  #finishing(): void {
    if (this.#running.size === 0) {
      this.#over('ok');
    } else if (this.#drain === undefined) {
      const leftUs = Math.max(0, this.#lastArrivalAt + this.#init.drainUs - this.#clock.now());
      this.#drain = setTimeout(() => this.#over('unfinished'), Math.min(leftUs / US_PER_MS, 2 ** 31 - 1));
    }
  }

  #sample(): void {
    const { series } = this.#init;
    if (series === undefined) return;
    series.add(this.#clock.now(), { 'client in flight': this.#running.size });
    this.#sampling = setTimeout(() => this.#sample(), series.everyUs / US_PER_MS);
  }
}

function recordOf(id: number, arrival: Arrival, end: LoadEnd): RequestRecord {
  const { facts } = end;
  return {
    id,
    tenant: arrival.tenant,
    row: -1,
    column: '',
    promptTokens: facts.promptTokens < 0 ? arrival.promptTokens : facts.promptTokens,
    maxOutputTokens: arrival.maxOutputTokens,
    outputTokens: outputTokens(arrival, end),
    cachedTokens: Math.max(0, facts.cachedTokens),
    sentAt: arrival.at,
    arrivedAt: -1,
    startedAt: -1,
    firstTokenAt: end.firstTokenAt,
    finishedAt: end.finishedAt,
    attempts: 1,
    worker: -1,
    reason: end.reason,
    cause: end.cause,
    status: end.reason === 'ok' ? 0 : end.status,
  };
}

/** As the endpoint says; else as many as came. A whole reply without usage is taken at the workload's word. */
function outputTokens(arrival: Arrival, { reason, facts }: LoadEnd): number {
  if (facts.outputTokens >= 0) return facts.outputTokens;
  return facts.pieces === 0 && reason === 'ok' ? arrival.outputTokens : facts.pieces;
}
