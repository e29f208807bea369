/** The page of a report: reads its data from the document and draws the charts. No network, nothing stored. */
import 'uplot/dist/uPlot.min.css';
import { type ChartOptions, drawChart } from './chart.ts';
import type { PageData, RunData } from './data.ts';
import { bucketOf, cdf, type Line, quantileOverTime, rate } from './series.ts';

const WORKERS_MAX = 16;

function page({ runs, faults }: PageData): void {
  const resizes: (() => void)[] = [];
  const draw = (id: string, lines: readonly Line[], options: ChartOptions): void => {
    const parent = document.getElementById(id);
    if (parent !== null && lines.some(({ x }) => x.length > 1)) resizes.push(drawChart(parent, lines, options));
  };
  const named = (of: (run: RunData) => Line): Line[] => runs.map(of);
  const bucket = bucketOf(runs);
  draw(
    'latency',
    named((run) => cdf(run.name, answered(run, run.ttftMs))),
    {
      ...{ title: 'Time to first token, share of ok requests', x: 'ms', y: 'share', logX: true },
    },
  );
  draw(
    'latency',
    named((run) => cdf(run.name, answered(run, run.e2eMs))),
    {
      ...{ title: 'End to end, share of ok requests', x: 'ms', y: 'share', logX: true },
    },
  );
  const p99 = (run: RunData): Line => quantileOverTime(run.name, run.sentAt, answered(run, run.e2eMs), 0.99, bucket);
  draw('time', named(p99), { title: `p99 end to end by time sent, ${bucket} s buckets`, x: 's', y: 'ms', faults });
  const done = (run: RunData): Line => rate(run.name, run.finishedAt, bucket, (i) => (run.ok[i] as number) * run.oneIn);
  draw('time', named(done), { title: 'Requests answered ok', x: 's', y: 'a second', faults });
  const tries = (run: RunData): Line =>
    rate(run.name, run.sentAt, bucket, (i) => (run.attempts[i] as number) * run.oneIn);
  draw('time', named(tries), { title: 'Attempts, by time their request was sent', x: 's', y: 'a second', faults });
  for (const [level, title] of GATEWAY_LEVELS) {
    const lines = runs.flatMap((run) => levelLine(run, level, run.name));
    draw('gateway', lines, { title, x: 's', y: 'requests', faults });
  }
  for (const run of runs) {
    for (const [suffix, title, unit] of WORKER_LEVELS) {
      draw('workers', workerLines(run, suffix), { title: `${run.name}: ${title}`, x: 's', y: unit, faults });
    }
  }
  addEventListener('resize', () => resizes.forEach((resize) => resize()));
  document.documentElement.dataset['drawn'] = String(resizes.length);
}

const GATEWAY_LEVELS = [
  ['waiting', 'Waiting in the admission queue'],
  ['parked', 'Admitted, waiting for a worker'],
  ['leases', 'Attempts in flight'],
  ['backingOff', 'Waiting to be retried'],
  ['dataset.queued', 'Tasks queued'],
  ['dataset.waiting', 'Calls waiting for request admission'],
  ['dataset.deferred', 'Tasks deferred'],
] as const;
const WORKER_LEVELS = [
  ['running', 'running sequences', 'sequences'],
  ['waiting', 'waiting in the engine', 'sequences'],
  ['kv', 'KV blocks in use', 'share'],
] as const;

function answered(run: RunData, values: readonly number[]): number[] {
  return values.map((value, i) => (run.ok[i] === 1 ? value : -1));
}

/** Nothing when the level never left zero. */
function levelLine(run: RunData, name: string, label: string): Line[] {
  const y = run.levels[name] ?? run.levels[`gateway.${name}`];
  return y === undefined || y.every((value) => value === 0) ? [] : [{ label, x: run.at, y }];
}

function workerLines(run: RunData, suffix: string): Line[] {
  return Array.from({ length: WORKERS_MAX }, (_, i) => levelLine(run, `worker.${i}.${suffix}`, `worker ${i}`)).flat();
}

const source = document.getElementById('data');
if (source !== null) page(JSON.parse(source.textContent ?? '') as PageData);
