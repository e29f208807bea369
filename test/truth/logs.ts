/** Small logs written by hand. */
import type { LoggedEngine } from '../../src/truth/logged-engine.ts';
import type { LoggedRequest, RunLog } from '../../src/truth/run-log.ts';
import type { Tick } from '../../src/truth/ticks.ts';

export function loggedRequest(queuedAt: number, over: Partial<LoggedRequest> = {}): LoggedRequest {
  const lengths = { promptTokens: 10, outputTokens: 3, hashIds: [] };
  return { id: `at-${queuedAt}`, ...lengths, queuedAt, firstTokenAt: queuedAt, lastTokenAt: queuedAt, ...over };
}

export function runLog(
  requests: readonly LoggedRequest[],
  engine: Partial<LoggedEngine> = {},
  ticks: readonly Tick[] = [],
): RunLog {
  return {
    folder: 'run',
    model: 'a/model',
    software: 'vLLM',
    engine: {
      ...{ maxRunning: 8, maxBatchedTokens: 100, maxModelTokens: Infinity, blocks: 100, blockTokens: 4 },
      ...{ prefixCache: true, chunkedPrefill: true, schedulesAhead: false, ...engine },
    },
    hashBlockTokens: 4,
    ...{ hardware: undefined, preemptions: undefined, prefixHitRatio: undefined },
    requests,
    ticks,
    notes: [],
  };
}
