/**
 * What passes through the port, in words: requests, attempts, workers and results by what tells them apart. Objects are
 * told by their members, not by their classes, since a policy of the user's own may hand on what it likes.
 */
import type { AttemptResult, AttemptView, RequestView, WorkerView } from '../../../policies/types.ts';

/** Longer texts are cut: an argument may hold a fleet of thousands. */
const LENGTH_MAX = 600;
const LIST_MAX = 32;

export function inWords(value: unknown): string {
  const text = words(value, 0);
  return text.length > LENGTH_MAX ? `${text.slice(0, LENGTH_MAX)}…` : text;
}

/** Ids of the requests in it, each once. */
export function requestsIn(values: readonly unknown[]): number[] {
  const ids = new Set<number>();
  for (const value of values) {
    for (const each of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (isRequest(each)) ids.add(each.id);
      else if (isAttempt(each)) ids.add(each.request.id);
      else if (isRecord(each) && isRequest(each['request'])) ids.add(each['request'].id);
      else if (isRecord(each) && isAttempt(each['attempt'])) ids.add(each['attempt'].request.id);
    }
  }
  return [...ids];
}

/** Items of request admission, which are numbers of tasks: first argument of what is asked for one, or its member. */
export function itemsIn(method: string, asked: readonly unknown[], answer: unknown): number[] {
  const [first] = asked;
  if ((method === 'acquire' || method === 'cancel') && typeof first === 'number') return [first];
  return [first, answer].flatMap((value) => {
    return isRecord(value) && typeof value['item'] === 'number' ? [value['item']] : [];
  });
}

function words(value: unknown, depth: number): string {
  if (typeof value === 'string' || typeof value === 'boolean' || value === undefined || value === null) {
    return String(value);
  }
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(7)));
  if (isRequest(value)) return `request ${value.id}`;
  if (isAttempt(value)) return `attempt ${value.id} of request ${value.request.id} on worker ${value.worker.index}`;
  if (isWorker(value)) return workerInWords(value);
  if (isResult(value)) return resultInWords(value);
  if (Array.isArray(value)) return listInWords(value as unknown[], depth);
  if (!isRecord(value) || depth > 1) return '…';
  const members = Object.entries(value).filter(([, each]) => typeof each !== 'function' && each !== undefined);
  return `{${members.map(([name, each]) => `${name}: ${words(each, depth + 1)}`).join(', ')}}`;
}

function listInWords(list: readonly unknown[], depth: number): string {
  const shown = list.slice(0, LIST_MAX).map((each) => words(each, depth + 1));
  const rest = list.length > LIST_MAX ? `; and ${list.length - LIST_MAX} more` : '';
  return `[${shown.join('; ')}${rest}]`;
}

function workerInWords({ index, status, inFlight, reportedAt, reportedRunning, reportedWaiting }: WorkerView): string {
  const report =
    reportedAt === -Infinity ? 'no report' : `reported ${reportedRunning} running, ${reportedWaiting} waiting`;
  return `worker ${index} (${status}, ${inFlight} in flight, ${report})`;
}

function resultInWords({ outcome, status, retryAfterUs, bytesSent }: AttemptResult): string {
  const parts = [outcome, status === 0 ? 'no response' : `status ${status}`];
  if (retryAfterUs >= 0) parts.push(`Retry-After ${retryAfterUs / 1e6} s`);
  if (bytesSent) parts.push('bytes sent');
  return parts.join(', ');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isRequest(value: unknown): value is RequestView {
  return isRecord(value) && typeof value['id'] === 'number' && 'promptTokens' in value && 'triedWorkers' in value;
}

function isWorker(value: unknown): value is WorkerView {
  return isRecord(value) && typeof value['index'] === 'number' && 'inFlight' in value && 'status' in value;
}

function isAttempt(value: unknown): value is AttemptView {
  return isRecord(value) && isRequest(value['request']) && isWorker(value['worker']);
}

function isResult(value: unknown): value is AttemptResult {
  return isRecord(value) && typeof value['outcome'] === 'string' && 'bytesSent' in value;
}
