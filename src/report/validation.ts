/** What a validation says: a table for the terminal, a Markdown report with its chart, a plain document. */
import type { Compared, GaugeAgreement, Latency, Statistic } from '../truth/agreement.ts';
import type { RunLog } from '../truth/run-log.ts';
import type { Validation } from '../truth/validate.ts';
import { formatCount, formatMs, formatPercent, formatRate, NONE } from './format.ts';
import { markdownTable } from './markdown-table.ts';
import { plainTable } from './plain-table.ts';
import { type Series, svgChart } from './svg-chart.ts';

const MEASURED = '#1f77b4';
const REPLAYED = '#d62728';
const LATENCIES: readonly Latency[] = ['ttft', 'tpot', 'e2e'];
const STATISTICS: readonly Statistic[] = ['mean', 'p50', 'p90', 'p99'];

/** `+1.2 %`; a dash where nothing was measured to be off from. */
export function formatError(error: number): string {
  if (!Number.isFinite(error)) return NONE;
  return `${error < 0 ? '−' : '+'}${Math.abs(error * 100).toFixed(2)} %`;
}

/** Lines for the terminal, each ending in a newline. */
export function validationText(validation: Validation, width: number): string {
  const { head, lines } = latencyRows(validation);
  const blocks = [
    ...headLines(validation),
    plainTable(head, lines, width),
    requestLine(validation),
    ...gaugeLines(validation),
    ...replayLines(validation),
  ];
  return `${blocks.join('\n')}\n`;
}

/** Names of the files beside the report. */
export const CHART_FILE = 'chart.svg';

/** A Markdown report; `command` repeats it. */
export function validationMarkdown(validation: Validation, command: string): string {
  const { head, lines } = latencyRows(validation);
  const { preset, log } = validation;
  const blocks = [
    `# ${preset.name} against ${log.model}`,
    `The preset: ${preset.model}, ${preset.hardware}; fitted on ${preset.fittedOn} (${preset.source}); ${preset.form}.`,
    headLines(validation).join('\n'),
    markdownTable(head, lines, 1),
    requestLine(validation),
    ...gaugeLines(validation),
    ...replayLines(validation),
    `![measured and replayed](${CHART_FILE})`,
    ...(log.notes.length === 0 ? [] : [log.notes.map((note) => `- ${note}`).join('\n')]),
    `## Reproduce\n\n\`\`\`sh\n${command.trim()}\n\`\`\``,
  ];
  return `${blocks.join('\n\n')}\n`;
}

/** TTFT and E2E by arrival, and the gauges over time, measured and replayed. */
export function validationChart({ log, replay, preset }: Validation): string {
  const by = (of: (index: number) => number): [number, number][] => {
    return log.requests.map(({ queuedAt }, i) => [queuedAt / 1e6, of(i) / 1e6]);
  };
  const request = (i: number) => log.requests[i] as RunLog['requests'][number];
  const replayed = (i: number) => replay.requests[i] as Validation['replay']['requests'][number];
  const panel = (title: string, measuredUs: (i: number) => number, replayedUs: (i: number) => number) => ({
    title: `${title}, ${log.model}, preset ${preset.name}`,
    xTitle: 'queued at, s',
    yTitle: `${title}, s`,
    series: [series('measured', by(measuredUs), MEASURED), series('replayed', by(replayedUs), REPLAYED)],
  });
  const gauge = (title: string, of: (tick: RunLog['ticks'][number]) => number | undefined) => {
    const curve = (ticks: RunLog['ticks']) => ticks.flatMap((tick): [number, number][] => {
      const value = of(tick);
      return value === undefined ? [] : [[tick.at / 1e6, value]];
    });
    const measured = curve(log.ticks);
    if (measured.length === 0) return [];
    const both = [line('measured', measured, MEASURED), line('replayed', curve(replay.ticks), REPLAYED)];
    return [{ title, xTitle: 'time, s', yTitle: title, series: both }];
  };
  return svgChart([
    panel('TTFT', (i) => request(i).firstTokenAt - request(i).queuedAt, (i) => {
      return replayed(i).firstTokenAt - replayed(i).takenAt;
    }),
    panel('E2E', (i) => request(i).lastTokenAt - request(i).queuedAt, (i) => {
      return replayed(i).lastTokenAt - replayed(i).takenAt;
    }),
    ...gauge('running', (tick) => tick.running),
    ...gauge('waiting', (tick) => tick.waiting),
    ...gauge('KV usage', (tick) => tick.kvUsageRatio),
  ]);
}

function series(name: string, points: readonly (readonly [number, number])[], color: string): Series {
  return { name, points, mark: 'dots', color };
}

function line(name: string, points: readonly (readonly [number, number])[], color: string): Series {
  return { name, points, mark: 'line', color };
}

function headLines({ log, from, preset }: Validation): string[] {
  const facts = [log.model, log.software, ...(log.hardware === undefined ? [] : [log.hardware])];
  const rest = `The last ${log.requests.length - from} of ${log.requests.length} requests:`;
  return [`${facts.join(', ')}.`, `Preset ${preset.name}: ${preset.hardware}.`, rest];
}

function latencyRows({ agreement, spreads, draws }: Validation): { head: string[]; lines: string[][] } {
  const spreadHead = spreads === undefined ? [] : [`5 to 95 % of ${draws} draws`];
  const lines = LATENCIES.flatMap((latency) => {
    return STATISTICS.map((statistic) => {
      const { measured, replayed, error } = agreement.latencies[latency].statistics[statistic];
      const cells = [`${latency.toUpperCase()} ${statistic} ms`, ms(measured), ms(replayed), formatError(error)];
      const spread = spreads?.[latency][statistic];
      return spread === undefined ? cells : [...cells, `${ms(spread.low)} to ${ms(spread.high)}`];
    });
  });
  return { head: ['', 'measured', 'replayed', 'error', ...spreadHead], lines };
}

function ms(us: number): string {
  return Number.isFinite(us) ? formatMs(us / 1000) : NONE;
}

function requestLine({ agreement }: Validation): string {
  const parts = LATENCIES.map((latency) => {
    const { requestMedian } = agreement.latencies[latency];
    return `${latency.toUpperCase()} ${formatError(requestMedian).slice(1)}`;
  });
  return `Median error of a single request: ${parts.join(', ')}.`;
}

function gaugeLines({ agreement }: Validation): string[] {
  const text = (name: string, gauge: GaugeAgreement | undefined, format: (value: number) => string): string[] => {
    if (gauge === undefined) return [];
    const means = `${name}: mean ${format(gauge.measured)} measured, ${format(gauge.replayed)} replayed`;
    return [`${means}; ${format(gauge.meanDifference)} apart over ${formatCount(gauge.ticks)} ticks.`];
  };
  return [
    ...text('Running', agreement.running, formatRate),
    ...text('Waiting', agreement.waiting, formatRate),
    ...text('KV usage', agreement.kvUsage, formatPercent),
  ];
}

/** Of the whole log. */
function replayLines({ log, replay }: Validation): string[] {
  const text = (name: string, replayed: number, measured: number | undefined, format: (value: number) => string) => {
    const also = measured === undefined ? '' : `${format(measured)} measured, `;
    return `${name} in the whole log: ${also}${format(replayed)} replayed.`;
  };
  return [
    text('Preemptions', replay.preemptions, log.preemptions, formatCount),
    text('Prefix hits', replay.prefixHitRatio, log.prefixHitRatio, formatPercent),
  ];
}

/** Plain data for `--json`. */
export function validationDocument(validation: Validation): unknown {
  const { log, preset, agreement, spreads, replay, from } = validation;
  const latencies = Object.fromEntries(LATENCIES.map((latency) => {
    const { statistics, requestMedian, requestP95, requests } = agreement.latencies[latency];
    const cells = STATISTICS.map((statistic): [string, unknown] => {
      return [statistic, { ...inMs(statistics[statistic]), ...spreadInMs(spreads?.[latency][statistic]) }];
    });
    const single = { median_error: plain(requestMedian), p95_error: plain(requestP95), requests };
    return [`${latency}_ms`, { ...Object.fromEntries(cells), single_requests: single }];
  }));
  return {
    preset: preset.name,
    log: {
      ...{ folder: log.folder, model: log.model, hardware: log.hardware ?? null, software: log.software },
      ...{ engine: { ...log.engine }, notes: log.notes },
      ...{ preemptions: log.preemptions ?? null, prefix_hit_ratio: log.prefixHitRatio ?? null },
    },
    requests: log.requests.length,
    compared_from: from,
    ...latencies,
    running: agreement.running ?? null,
    waiting: agreement.waiting ?? null,
    kv_usage: agreement.kvUsage ?? null,
    preemptions: replay.preemptions,
    prefix_hit_ratio: replay.prefixHitRatio,
    ...(spreads === undefined ? {} : { draws: validation.draws }),
  };
}

function inMs({ measured, replayed, error }: Compared) {
  return { measured: plain(measured / 1000), replayed: plain(replayed / 1000), error: plain(error) };
}

function spreadInMs(spread: { readonly low: number; readonly high: number } | undefined) {
  return spread === undefined ? {} : { p5: plain(spread.low / 1000), p95: plain(spread.high / 1000) };
}

/** JSON has no infinities: a number that does not exist is null. */
function plain(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
