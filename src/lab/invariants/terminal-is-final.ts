/** A request that is over stays over: nothing is started or cancelled for it, and its client hears no more. */
import type { Invariant } from './invariant.ts';

export const terminalIsFinal: Invariant = {
  name: 'terminal-is-final',
  promise: 'After the end of a request nothing is started for it and nothing more reaches its client.',
  watch(_scenario, report) {
    return {
      entry({ at, kind, request: id }, request) {
        if (request === undefined || request.finishedAt < 0 || !ACTS.has(kind)) return;
        report({ at, request: id, message: `${kind} of request ${id}, which ended at ${request.finishedAt / 1e6} s` });
      },
      record({ id, firstTokenAt, finishedAt }) {
        if (firstTokenAt <= finishedAt) return;
        report({ at: firstTokenAt, request: id, message: `a token of request ${id} reaches its client after the end` });
      },
    };
  },
};

const ACTS: ReadonlySet<string> = new Set(['effect.start', 'effect.cancel']);
