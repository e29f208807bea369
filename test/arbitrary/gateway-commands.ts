/** Command lists for a gateway, as plain data: what may happen to it, in any order. */
import fc from 'fast-check';
import type { AttemptResult, WorkerStatus } from '../../policies/types.ts';

export const WORKERS_MAX = 4;

/** `pick` counts modulo what there is to pick from; a command with nothing to pick from does nothing. */
export type Command =
  | { readonly do: 'arrive'; readonly priority: number; readonly promptTokens: number }
  | { readonly do: 'end'; readonly pick: number; readonly result: AttemptResult }
  | { readonly do: 'late end'; readonly pick: number; readonly result: AttemptResult }
  | { readonly do: 'first token'; readonly pick: number }
  | { readonly do: 'abandon'; readonly pick: number }
  /** Time passes and the host's timer is late. */
  | { readonly do: 'advance'; readonly by: number }
  /** Time passes to the instant of the next wake; what follows in that instant comes before it. */
  | { readonly do: 'until due' }
  /** A wake now, due or not. */
  | { readonly do: 'wake' }
  /** Time passes to the next wake, which comes `late`. */
  | { readonly do: 'due'; readonly late: number }
  | { readonly do: 'status'; readonly worker: number; readonly status: WorkerStatus }
  | { readonly do: 'crash'; readonly worker: number }
  | { readonly do: 'discover'; readonly workers: readonly number[] }
  | { readonly do: 'report'; readonly worker: number; readonly rank: number; readonly maxRunning: number }
  | { readonly do: 'reports end' }
  | { readonly do: 'reconsider' }
  | { readonly do: 'permits'; readonly max: number };

const pick = fc.nat({ max: 20 });
const worker = fc.nat({ max: WORKERS_MAX - 1 });

/** Which statuses are retried is the policy's business; these are on both sides. */
const attemptEnd: fc.Arbitrary<AttemptResult> = fc.constantFrom<AttemptResult>(
  { outcome: 'ok', status: 200, retryAfterUs: -1, bytesSent: false },
  { outcome: 'ok', status: 200, retryAfterUs: -1, bytesSent: true, usedTokens: 30 },
  { outcome: 'failed', status: 500, retryAfterUs: -1, bytesSent: false },
  { outcome: 'failed', status: 0, retryAfterUs: -1, bytesSent: true },
  { outcome: 'failed', status: 400, retryAfterUs: -1, bytesSent: false },
  { outcome: 'refused', status: 429, retryAfterUs: 30, bytesSent: false },
  { outcome: 'refused', status: 503, retryAfterUs: -1, bytesSent: false },
  { outcome: 'timeout', status: 0, retryAfterUs: -1, bytesSent: false },
  { outcome: 'cancelled', status: 0, retryAfterUs: -1, bytesSent: false },
);

/** Mostly small steps, so that instants tie. */
const span = fc.oneof({ weight: 4, arbitrary: fc.nat({ max: 12 }) }, { weight: 1, arbitrary: fc.nat({ max: 200 }) });

function command<Kind extends Command['do']>(weight: number, kind: Kind, fields: object = {}) {
  const arbitrary = fc.record({ do: fc.constant(kind), ...fields }) as fc.Arbitrary<Command>;
  return { weight, arbitrary };
}

const gatewayCommand: fc.Arbitrary<Command> = fc.oneof(
  command(8, 'arrive', { priority: fc.nat({ max: 2 }), promptTokens: fc.constantFrom(1, 50) }),
  command(7, 'end', { pick, result: attemptEnd }),
  command(1, 'late end', { pick, result: attemptEnd }),
  command(1, 'first token', { pick }),
  command(2, 'abandon', { pick }),
  command(3, 'advance', { by: span }),
  command(2, 'until due'),
  command(1, 'wake'),
  command(5, 'due', { late: fc.oneof(fc.constant(0), span) }),
  command(2, 'status', { worker, status: fc.constantFrom('ready', 'ready', 'not-ready', 'failed', 'draining') }),
  command(1, 'crash', { worker }),
  command(1, 'discover', { workers: fc.subarray([0, 1, 2, 3]) }),
  command(1, 'report', { worker, rank: fc.constantFrom(0, 0, 1), maxRunning: fc.constantFrom(-1, 1, 2, 4) }),
  command(1, 'reports end'),
  command(1, 'reconsider'),
  command(1, 'permits', { max: fc.constantFrom(0, 1, 2, 3, Infinity) }),
);

export const gatewayCommands = (max = 120): fc.Arbitrary<Command[]> =>
  fc.array(gatewayCommand, { maxLength: max, size: 'max' });
