/**
 * A run as a trace for ui.perfetto.dev: a span for each request and each of its attempts (on the worker it went to),
 * arrows from an attempt that failed to the one that followed, levels as counters, faults as spans of their own with
 * instants where they begin and end, and instants on a request where the gateway chose a worker or gave it up.
 *
 * Source of the form: Chrome trace events, as documented for Perfetto's JSON importer.
 */
import type { ChartData } from '../lab/charts.ts';
import type { AttemptSpan, RequestSpan } from '../lab/spans.ts';
import type { FaultWindow } from './page-data.ts';

export interface TracedRun {
  readonly name: string;
  readonly spans: readonly RequestSpan[];
  /** One request in so many is among the spans. */
  readonly oneIn: number;
  readonly charts: ChartData;
  readonly faults: readonly FaultWindow[];
  /** Microseconds; what has not ended ends here. */
  readonly endUs: number;
}

type TraceEvent = Readonly<Record<string, unknown>>;

const GATEWAY = 1;
const FIRST_WORKER = 10;

/** A JSON document; gzip it. */
export function perfettoTrace(run: TracedRun): string {
  const events: TraceEvent[] = [...names(run)];
  for (const span of run.spans) {
    const until = Math.min(span.to, run.endUs);
    const id = `r${span.id}`;
    const name = `request ${span.id}: ${span.how}`;
    const key = { name, cat: 'request', id, pid: GATEWAY };
    events.push(...asyncSpan(key, span.from, until, { how: span.how }), ...decisions(key, span, until));
    span.attempts.forEach((attempt, i) => {
      events.push(...attemptEvents(span, attempt, run.endUs));
      const before = span.attempts[i - 1];
      if (before !== undefined) events.push(...arrow(before, attempt, run.endUs));
    });
  }
  for (const { label, at, forUs } of run.faults) {
    const id = `fault ${label} ${at}`;
    const until = Math.min(at + forUs, run.endUs);
    events.push(...asyncSpan({ name: label, cat: 'fault', id, pid: GATEWAY }, at, until, {}));
    events.push(instant(`${label} begins`, at), instant(`${label} ends`, until));
  }
  events.push(...counters(run.charts));
  const lines = events.map((event) => JSON.stringify(event)).join(',\n');
  const other = JSON.stringify({ run: run.name, sampled: `1 request in ${run.oneIn}` });
  return `{"displayTimeUnit":"ms","otherData":${other},"traceEvents":[\n${lines}\n]}\n`;
}

function names({ spans, name }: TracedRun): TraceEvent[] {
  const workers = new Set(spans.flatMap(({ attempts }) => attempts.map(({ worker }) => worker)));
  const process = (pid: number, title: string): TraceEvent => {
    return { ph: 'M', name: 'process_name', pid, args: { name: title } };
  };
  const sorted = [...workers].sort((a, b) => a - b);
  return [process(GATEWAY, `gateway (${name})`), ...sorted.map((w) => process(FIRST_WORKER + w, `worker ${w}`))];
}

interface SpanKey {
  readonly name: string;
  readonly cat: string;
  readonly id: string;
  readonly pid: number;
}

function asyncSpan(key: SpanKey, from: number, to: number, args: object): TraceEvent[] {
  const common = { ...key, tid: 0 };
  return [
    { ...common, ph: 'b', ts: from, args },
    { ...common, ph: 'e', ts: to },
  ];
}

/** Seen over all tracks. */
function instant(name: string, ts: number): TraceEvent {
  return { ph: 'i', s: 'g', name, cat: 'fault', pid: GATEWAY, tid: 0, ts };
}

/** Where each attempt was sent, and that the request was not served. */
function decisions(key: SpanKey, { attempts, how }: RequestSpan, until: number): TraceEvent[] {
  const marks = attempts.map(({ id, worker, from }) => {
    return { name: `to worker ${worker}`, ts: from, args: { attempt: id } };
  });
  const end = how === 'ok' ? [] : [{ name: how, ts: until, args: {} }];
  return [...marks, ...end].map((mark) => ({ ...key, ...mark, ph: 'n', tid: 0 }));
}

function attemptEvents({ id: request }: RequestSpan, attempt: AttemptSpan, endUs: number): TraceEvent[] {
  const { id, worker, from, to, firstTokenAt, how } = attempt;
  const key = { name: `attempt ${id} of request ${request}`, cat: 'attempt', id: `a${id}`, pid: FIRST_WORKER + worker };
  const events = asyncSpan(key, from, Math.min(to, endUs), { how, request });
  if (firstTokenAt < 0) return events;
  return [...events, { ...key, name: 'first token', tid: 0, ph: 'n', ts: firstTokenAt, args: {} }];
}

/** From the end of an attempt to the begin of the next. */
function arrow(before: AttemptSpan, after: AttemptSpan, endUs: number): TraceEvent[] {
  const key = { name: 'retry', cat: 'retry', id: `f${after.id}`, tid: 0 };
  return [
    { ...key, ph: 's', pid: FIRST_WORKER + before.worker, ts: Math.min(before.to, endUs) },
    { ...key, ph: 'f', bp: 'e', pid: FIRST_WORKER + after.worker, ts: after.from },
  ];
}

/** Levels that ever left zero. */
function counters({ series }: ChartData): TraceEvent[] {
  return Object.entries(series.columns).flatMap(([name, column]) => {
    if (column.every((level) => level === 0)) return [];
    const [, worker, level] = /^worker\.(\d+)\.(\w+)$/.exec(name) ?? [];
    const pid = worker === undefined ? GATEWAY : FIRST_WORKER + Number(worker);
    const title = level ?? name;
    return series.at.map((ts, i) => ({ ph: 'C', name: title, pid, tid: 0, ts, args: { [title]: column[i] } }));
  });
}
