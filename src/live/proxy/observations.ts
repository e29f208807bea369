/** What the proxy tells the outside of its work: metrics, and a line in the log for each request. */
import type { AttemptResult, FinishCause, FinishReason, Micros } from '../../../policies/types.ts';
import type { Attempt, GatewayRequest } from '../../gateway/request.ts';
import type { Exchange } from './exchange.ts';
import type { LiveRequest } from './live-request.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { WorkerCounts } from './worker-counts.ts';

const US_PER_MS = 1000;
const US_PER_SEC = 1e6;
/** Label of requests for a model that is not in the configuration. */
const OTHER = 'other';

export class Observations {
  readonly #metrics: Metrics;
  readonly #workers: WorkerCounts;
  readonly #log: Logger;
  readonly #now: () => Micros;
  /** One line for each request. */
  logsRequests: boolean;

  constructor(metrics: Metrics, workers: WorkerCounts, log: Logger, now: () => Micros, logsRequests: boolean) {
    this.#metrics = metrics;
    this.#workers = workers;
    this.#log = log;
    this.#now = now;
    this.logsRequests = logsRequests;
  }

  started({ request }: Attempt<LiveRequest>): void {
    if (request.attemptCount <= 1) return;
    const mayHaveRun = request.lastFailure !== undefined && request.lastFailure.outcome !== 'refused';
    this.#metrics.retries.inc([String(mayHaveRun)]);
  }

  ended(attempt: Attempt<LiveRequest>, result: AttemptResult): void {
    this.#workers.of(attempt.worker.name).attempts[result.outcome]++;
    const { exchange } = attempt.request.init;
    if (result.usedTokens !== undefined) {
      this.#metrics.usedTokens.inc([exchange.model || OTHER], result.usedTokens);
    }
    if (result.outcome === 'ok' || result.outcome === 'cancelled') return;
    if (exchange.hasBegun) this.#metrics.upstreamAborted.inc([exchange.route]);
    this.#log.debug(
      {
        request_id: exchange.requestId,
        worker: attempt.worker.name,
        attempt: attempt.request.attemptCount,
        outcome: result.outcome,
        status: result.status,
      },
      'attempt failed',
    );
  }

  finished({ init }: GatewayRequest<LiveRequest>, reason: FinishReason, cause: FinishCause): void {
    const { exchange } = init;
    this.#metrics.requests.inc([exchange.route, exchange.model || OTHER, reason, cause]);
  }

  /** The last that is heard of an exchange. */
  closed(exchange: Exchange): void {
    const metrics = this.#metrics;
    const { route, status, end, errorCode, startedAt, firstByteAt } = exchange;
    const us = this.#now() - startedAt;
    metrics.responses.inc([route, String(status)]);
    metrics.took(route, us / US_PER_SEC, firstByteAt < 0 ? undefined : (firstByteAt - startedAt) / US_PER_SEC);
    if (errorCode !== '') metrics.refusals.inc([errorCode]);
    if (end === 'client-left') metrics.clientsLeft.inc([route]);
    if (end === 'client-stalled') metrics.clientsStalled.inc([route]);
    if (!this.logsRequests || route === 'livez' || route === 'readyz') return;
    this.#log.info(
      {
        request_id: exchange.requestId,
        tenant: exchange.client.tenant,
        route,
        model: exchange.model || OTHER,
        stream: exchange.isStreaming,
        status,
        end,
        ...(errorCode !== '' && { error: errorCode }),
        attempts: exchange.attempts,
        worker: exchange.worker,
        first_byte_ms: firstByteAt < 0 ? -1 : (firstByteAt - startedAt) / US_PER_MS,
        duration_ms: us / US_PER_MS,
        sent_bytes: exchange.sentBytes,
      },
      'request',
    );
  }
}
