/**
 * What a run counts while it runs. A host (simulated or live) calls it: `sent` when a logical request leaves its
 * client, `request` when the client knows its end, `attempt` for each attempt's one terminal outcome, `wasted` for
 * tokens that nobody got, `iteration` once per engine step. Nothing here allocates per call, but for the samples'
 * doubling.
 *
 * Latencies are those of ok requests, seen from the client: TTFT and E2E from `sentAt`, TPOT = (E2E − TTFT) ÷
 * (output tokens − 1) of replies of two tokens or more. A reply that came whole (no first-token instant) has E2E
 * for TTFT and no TPOT. Two exceptions: the gateway queue delay is that of every request that was granted an attempt,
 * whatever became of it, and ITL is pooled over all gaps of all requests.
 *
 * A request is good when it is ok and meets every objective asked; a reply of one token has TPOT 0 then, as in vLLM.
 */
import type { AttemptOutcome } from '../../policies/types.ts';
import { assert } from '../kernel/assert.ts';
import { isGood } from './good.ts';
import { Histogram } from './histogram.ts';
import { requestOutcome } from './outcome.ts';
import type { RequestOutcome, WasteCause } from './outcome.ts';
import type { RequestRecord } from './record.ts';
import { Sample } from './sample.ts';

/** Service-level objectives, microseconds; Infinity: not asked. */
export interface Slo {
  readonly ttftUs: number;
  readonly tpotUs: number;
  readonly e2eUs: number;
}
const NO_SLO: Slo = { ttftUs: Infinity, tpotUs: Infinity, e2eUs: Infinity };

/** Gets each record as it is made, and must not keep it: a host may use it again. */
export type RecordSink = (record: RequestRecord) => void;

/** All in microseconds. */
export interface RecordedLatencies {
  readonly ttft: Sample;
  readonly tpot: Sample;
  readonly itl: Histogram;
  readonly e2el: Sample;
  readonly gatewayQueue: Sample;
}

export class Recorder {
  readonly slo: Slo;
  readonly latencies: RecordedLatencies = {
    ttft: new Sample(),
    tpot: new Sample(),
    itl: new Histogram(),
    e2el: new Sample(),
    gatewayQueue: new Sample(),
  };
  readonly #sink: RecordSink | undefined;
  readonly #measuredFrom: number;
  #offered = 0;
  #finished = 0;
  #completed = 0;
  #good = 0;
  #inputTokens = 0;
  #outputTokens = 0;
  #firstSentAt = Infinity;
  #lastFinishedAt = -Infinity;
  readonly #outcomes: Record<RequestOutcome, number> = {
    ok: 0,
    ok_after_retry: 0,
    ok_salvaged: 0,
    shed_queue_full: 0,
    queue_timeout: 0,
    shed_other: 0,
    client_timeout: 0,
    deadline: 0,
    failed: 0,
    cancelled: 0,
    unfinished: 0,
  };
  #attempts = 0;
  readonly #attemptOutcomes: Record<AttemptOutcome, number> = {
    ok: 0,
    refused: 0,
    failed: 0,
    timeout: 0,
    cancelled: 0,
  };
  readonly #wasted: Record<WasteCause, number> = { timeout: 0, failed: 0, cancelled: 0, crash: 0, preempt: 0 };
  #wastedPrefill = 0;
  #wastedDecode = 0;

  /** `measuredFrom`: latencies are those of requests sent from then on; everything else counts from the start. */
  constructor(slo: Slo = NO_SLO, sink?: RecordSink, measuredFrom = 0) {
    this.slo = slo;
    this.#sink = sink;
    this.#measuredFrom = measuredFrom;
  }

  /** A logical request leaves its client: it is offered. Retries of the gateway are no new ones. */
  sent(now: number): void {
    this.#offered++;
    if (now < this.#firstSentAt) this.#firstSentAt = now;
  }

  /** A request is over, once. `salvaged`: it was the try, after a deferral, of a dataset's call. */
  request(record: RequestRecord, salvaged: boolean): void {
    assert(this.#finished < this.#offered, 'a request ended that was never sent, or ended twice');
    assert(record.finishedAt >= record.sentAt, 'a request ended before it was sent');
    this.#finished++;
    this.#outcomes[requestOutcome(record, salvaged)]++;
    if (record.finishedAt > this.#lastFinishedAt) this.#lastFinishedAt = record.finishedAt;
    const measured = record.sentAt >= this.#measuredFrom;
    if (measured && record.startedAt >= 0) this.latencies.gatewayQueue.add(record.startedAt - record.arrivedAt);
    if (record.reason === 'ok') this.#complete(record);
    this.#sink?.(record);
  }

  #complete(record: RequestRecord): void {
    const e2eUs = record.finishedAt - record.sentAt;
    const ttftUs = record.firstTokenAt < 0 ? e2eUs : record.firstTokenAt - record.sentAt;
    const gaps = record.outputTokens - 1;
    if (record.sentAt >= this.#measuredFrom) {
      this.latencies.ttft.add(ttftUs);
      this.latencies.e2el.add(e2eUs);
      if (gaps > 0 && record.firstTokenAt >= 0) this.latencies.tpot.add((e2eUs - ttftUs) / gaps);
    }
    this.#completed++;
    this.#inputTokens += record.promptTokens;
    this.#outputTokens += record.outputTokens;
    if (isGood(record, this.slo)) this.#good++;
  }

  /** An attempt reached its one terminal outcome. */
  attempt(outcome: AttemptOutcome): void {
    this.#attempts++;
    this.#attemptOutcomes[outcome]++;
  }

  /**
   * Tokens were computed for nothing: an attempt's whose output nobody got, or those that a preemption computes
   * again.
   */
  wasted(cause: WasteCause, prefillTokens: number, decodeTokens: number): void {
    assert(prefillTokens >= 0 && decodeTokens >= 0, 'wasted tokens are not negative');
    this.#wasted[cause] += prefillTokens + decodeTokens;
    this.#wastedPrefill += prefillTokens;
    this.#wastedDecode += decodeTokens;
  }

  /** `decodeCount` sequences each got a token `gapUs` after their one before; rounded to whole microseconds. */
  iteration(gapUs: number, decodeCount: number): void {
    this.latencies.itl.record(Math.round(gapUs), decodeCount);
  }

  /** As many iterations in a row, which ended at `ends[from]` … `ends[to − 1]`; the one before them at `previousAt`. */
  iterations(ends: Float64Array, from: number, to: number, previousAt: number, decodeCount: number): void {
    this.latencies.itl.recordGaps(ends, from, to, previousAt, decodeCount);
  }

  get offered(): number {
    return this.#offered;
  }

  /** Requests that ended ok. */
  get completed(): number {
    return this.#completed;
  }

  /** Requests that ended, ok or not. */
  get finished(): number {
    return this.#finished;
  }

  /** Requests that ended ok within every objective. */
  get good(): number {
    return this.#good;
  }

  /** Prompt tokens of ok requests. */
  get inputTokens(): number {
    return this.#inputTokens;
  }

  /** Tokens that clients of ok requests got. */
  get outputTokens(): number {
    return this.#outputTokens;
  }

  /** Attempts that ended. */
  get attempts(): number {
    return this.#attempts;
  }

  /** First request sent to last request over, ok or not, microseconds; null when none is over. */
  get durationUs(): number | null {
    return this.#finished === 0 ? null : this.#lastFinishedAt - this.#firstSentAt;
  }

  /** The partition of what was offered; asserts that it is one. */
  outcomes(): Record<RequestOutcome, number> {
    const outcomes = { ...this.#outcomes, unfinished: this.#offered - this.#finished };
    let sum = 0;
    for (const count of Object.values(outcomes)) sum += count;
    assert(sum === this.#offered, 'request outcomes do not sum to the requests offered');
    return outcomes;
  }

  attemptOutcomes(): Record<AttemptOutcome, number> {
    return { ...this.#attemptOutcomes };
  }

  /** Tokens by cause, and all of them by phase. */
  wastedTokens(): Record<WasteCause | 'prefill' | 'decode' | 'total', number> {
    const prefill = this.#wastedPrefill;
    const decode = this.#wastedDecode;
    return { ...this.#wasted, prefill, decode, total: prefill + decode };
  }
}
