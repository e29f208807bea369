/**
 * The client gets its tokens, whole and once: an answered request has exactly the tokens asked for (or that fit its
 * worker), a failed one has none, and no attempt follows one of whose reply a byte was sent, since its tokens would
 * come twice: the retry policy is not even asked.
 */
import type { AttemptResult, RequestView } from '../../../policies/types.ts';
import type { WorkerConfig } from '../../sim/config.ts';
import type { Invariant } from './invariant.ts';

export const tokensExact: Invariant = {
  name: 'tokens-exact',
  promise:
    'No token is lost or repeated: an answered request has all its tokens, and none is tried again after a byte.',
  hears: ['retry.delayUs'],
  watch({ config }, report) {
    return {
      call({ at, args }) {
        const [, { id }, { bytesSent }] = args as unknown as [number, RequestView, AttemptResult];
        if (!bytesSent) return;
        report({ at, request: id, message: `a retry is asked of request ${id}, whose client has bytes of a reply` });
      },
      entry({ at, kind, first: attempt, request: id }, request) {
        if (kind !== 'effect.start' || request?.answered !== true) return;
        const message = `attempt ${attempt} starts for request ${id}, whose client has bytes of an earlier reply`;
        report({ at, request: id, message });
      },
      record({ id, reason, worker, promptTokens, outputTokens, maxOutputTokens, finishedAt }) {
        const room = roomAt(config.workers[worker], promptTokens);
        const due = reason === 'ok' ? Math.min(maxOutputTokens, room) : 0;
        if (outputTokens === due) return;
        const message = `the client of request ${id} (${reason}) has ${outputTokens} tokens of ${due}`;
        report({ at: finishedAt, request: id, message });
      },
    };
  },
};

/** Tokens that fit beside the prompt. */
function roomAt(worker: WorkerConfig | undefined, promptTokens: number): number {
  switch (worker?.model) {
    case 'engine': {
      const { maxModelTokens, blocks, blockTokens, chunkedPrefill, maxBatchedTokens } = worker;
      // A preempted sequence must be computed again in one pass where prefill knows no chunks.
      const pass = chunkedPrefill ? Infinity : maxBatchedTokens;
      return Math.max(0, Math.min(maxModelTokens, blocks * blockTokens, pass + 1) - promptTokens);
    }
    case 'sglang':
      // A page and a token stay free.
      return Math.max(0, Math.min(worker.maxModelTokens, (worker.blocks - 1) * worker.blockTokens - 1) - promptTokens);
    case 'dynamo': {
      const { semantics, maxModelTokens, blocks, blockTokens } = worker;
      const pool = blocks * blockTokens;
      // The mocker's last token gets no slot.
      const tokens = semantics === 'trtllm' ? pool : Math.min(maxModelTokens, pool + 1);
      return Math.max(0, tokens - promptTokens);
    }
    case 'disaggregated':
      return Math.min(...worker.decode.map((engine) => roomAt(engine, promptTokens)));
    case 'endpoint':
    case undefined:
      return Infinity;
    default:
      return worker satisfies never;
  }
}
