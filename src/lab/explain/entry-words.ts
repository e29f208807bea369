/** Entries of the journal in words: what a core was told, and what it asked its host to do. */
import type { TapEntry } from '../run-types.ts';

const OUTCOMES = ['ok', 'refused', 'failed', 'timeout', 'cancelled'];
const REASONS = ['ok', 'failed', 'timeout', 'cancelled', 'shed'];
const STATUSES = ['pending', 'ready', 'not-ready', 'failed', 'draining'];
const STATUS_SHIFT = 65_536;

type Words = (first: number, second: number, request: number) => string;

const WORDS: Readonly<Record<string, Words>> = {
  'gateway.arrive': (id, tokens) => `request ${id} of ${tokens} prompt tokens arrives at the gateway`,
  'gateway.firstToken': (attempt, _, request) => `first token of attempt ${attempt} of request ${request}`,
  'gateway.end': (attempt, code, request) => {
    const status = code % STATUS_SHIFT;
    const outcome = OUTCOMES[Math.floor(code / STATUS_SHIFT)] ?? 'unknown';
    const how = status === 0 ? `${outcome}, no response` : `${outcome}, status ${status}`;
    return `attempt ${attempt} of request ${request} ended: ${how}`;
  },
  'gateway.abandon': (id) => `the client of request ${id} has left`,
  'gateway.wake': () => 'a timer of the gateway is due',
  'gateway.report': (worker, load) =>
    `worker ${worker} reports ${Math.floor(load / STATUS_SHIFT)} running, ${load % STATUS_SHIFT} waiting`,
  'gateway.reportStamp': (worker) => `that report of worker ${worker} is stamped`,
  'gateway.workerStatus': (worker, status) => `worker ${worker} is ${STATUSES[status] ?? 'unknown'}`,
  'gateway.discovered': (workers) => `the fleet is ${workers} workers`,
  'effect.start': (attempt, worker, request) => `attempt ${attempt} of request ${request} starts on worker ${worker}`,
  'effect.cancel': (attempt, _, request) => `attempt ${attempt} of request ${request} is cancelled`,
  'effect.finish': (id, reason) => `request ${id} is over: ${REASONS[reason] ?? 'unknown'}`,
  'dataset.begin': (groups, columns) => `the dataset begins: ${groups} row groups, ${columns} columns`,
  'dataset.end': (call, status) => `call ${call} of the dataset ended: status ${status === 0 ? 'none' : status}`,
  'dataset.wake': () => 'the dataset goes on with what is due',
  'effect.call': (call, task, request) => `call ${call} of task ${task} becomes request ${request}`,
  'effect.cancelCall': (task, call) => `task ${task} is cancelled${call < 0 ? '' : ` with its call ${call}`}`,
  'effect.row': (row, completed) => `row ${row} is ${completed === 1 ? 'complete' : 'dropped'}`,
  'effect.checkpoint': (group, kept) => `row group ${group} is checkpointed with ${kept} rows`,
  'effect.done': () => 'the dataset is done',
  'attempt.tokens': (attempt, _, request) => `the tokens of attempt ${attempt} of request ${request}`,
};

/** Without its instant; `the end of the run` when there is none. */
export function entryInWords(entry: TapEntry | undefined): string {
  if (entry === undefined) return 'the end of the run';
  const { kind, first, second, request } = entry;
  return WORDS[kind]?.(first, second, request) ?? `${kind} (${first}, ${second})`;
}

/** `12.345678 s`. */
export function instant(us: number): string {
  return `${(us / 1e6).toFixed(6)} s`;
}
