/**
 * The report as one HTML file that needs nothing else: no network, no font, no storage; its policy for content allows
 * only the script and the styles it carries. Verdict first, then what became of the requests, then charts, then what
 * was run and how to run it again. The same runs give the same bytes.
 */
import type { PageData } from './browser/data.ts';
import type { RunResult } from '../results/result.ts';
import { attribute, text } from './html-text.ts';
import { type ChartedOutcome, chartedRun, faultBands } from './page-data.ts';
import { differingSettings } from './settings-table.ts';
import { metricRows } from './metrics-table.ts';
import { PAGE_STYLE } from './page-style.ts';
import type { ReportAbout } from './markdown.ts';
import { verdictLines } from './verdict.ts';

/** Script and style sheet of the page, built from `browser/`, with the base64 SHA-256 of each. */
export interface PageAssets {
  readonly script: string;
  readonly style: string;
  readonly hashOf: (text: string) => string;
}

const STYLE = `${PAGE_STYLE}
.bar{display:flex;height:1.4rem;border-radius:4px;overflow:hidden;background:var(--card)}
.bar span{min-width:2px}.runs{display:grid;grid-template-columns:max-content 1fr;gap:.4rem .8rem;align-items:center}
.key{display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:.85rem;color:var(--soft)}
.key i{display:inline-block;width:.8em;height:.8em;margin-right:.3em;border-radius:2px;vertical-align:-.05em}
.u-legend{color:var(--soft);font-size:.8rem}
@media(max-width:500px){.runs{grid-template-columns:1fr}}
`;

/** Colours of outcomes, of requests and of rows: what is well, what was late, what was lost. */
const OUTCOME_COLORS: Readonly<Record<string, string>> = {
  ok: '#009e73',
  completed: '#009e73',
  dropped: '#cc0000',
  ok_after_retry: '#56b4e9',
  ok_salvaged: '#0072b2',
  shed_queue_full: '#e69f00',
  queue_timeout: '#d55e00',
  shed_other: '#f0c05a',
  client_timeout: '#a0522d',
  deadline: '#8b1a1a',
  failed: '#cc0000',
  cancelled: '#8c8c8c',
  unfinished: '#444444',
};

/** The first run is what the others are held against. */
export function renderHtml(runs: readonly ChartedOutcome[], about: ReportAbout, assets: PageAssets): string {
  const results = runs.map(({ result }) => result);
  const data: PageData = { runs: runs.map(chartedRun), faults: faultBands(runs) };
  // `<` cannot end the script element when it is written as an escape.
  const json = JSON.stringify(data).replaceAll('<', '\\u003c');
  const style = assets.style + STYLE;
  const policy =
    `default-src 'none'; script-src 'sha256-${assets.hashOf(assets.script)}'; ` +
    `style-src 'sha256-${assets.hashOf(style)}'; style-src-attr 'unsafe-inline'; base-uri 'none'; form-action 'none'`;
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${attribute(policy)}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${text(about.title)} – Spillway</title>`,
    `<style>${style}</style>`,
    '</head>',
    '<body>',
    '<main>',
    `<h1>${text(about.title)}</h1>`,
    verdictBlock(results, about),
    about.why === undefined ? '' : `<p>${text(about.why)}</p>`,
    rowSection(runs),
    section('outcomes', 'What became of the requests', partition(runs, results.map(outcomesOf))),
    section('numbers', 'Numbers', metricTable(runs)),
    section('latency', 'Latency', '', 'charts'),
    section('time', 'Over time', faultNote(data), 'charts'),
    section('gateway', 'Gateway and dataset', '', 'charts'),
    section('workers', 'Workers', '', 'charts'),
    section('policies', 'Policies', differingSettings(results)),
    section('reproduce', 'Reproduce', reproduce(runs, about)),
    '</main>',
    `<script type="application/json" id="data">${json}</script>`,
    `<script>${assets.script}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

/** What is wrong, then how each run went; what is as expected in short. */
function verdictBlock(results: readonly RunResult[], about: ReportAbout): string {
  const expectations = about.expectations ?? [];
  const failed = expectations.filter(({ ok }) => !ok).map((each) => `expectation FAILED: ${each.text}`);
  const wrong = about.expectations === undefined ? (about.verdicts ?? []) : failed;
  const list = (lines: readonly string[]): string => lines.map((line) => `<li>${text(line)}</li>`).join('');
  const met = expectations.filter(({ ok }) => ok).map((each) => each.text);
  const summary = `<summary>${met.length} of ${expectations.length} expectations are met</summary>`;
  const rest = met.length === 0 ? '' : `<details>${summary}<ul>${list(met)}</ul></details>`;
  return `<ul class="verdict">${list([...wrong, ...verdictLines(results)])}</ul>${rest}`;
}

function section(id: string, title: string, body: string, charts?: string): string {
  const host = charts === undefined ? '' : `<div class="${charts}" id="${id}"></div>`;
  const own = charts === undefined ? ` id="${id}"` : '';
  return `<section${own} aria-label="${attribute(title)}"><h2>${text(title)}</h2>${body}${host}</section>`;
}

function outcomesOf({ outcomes }: RunResult): Parts {
  return Object.entries(outcomes);
}

type Parts = readonly (readonly [name: string, count: number])[];

/** What became of rows, where the workload is a dataset. */
function rowSection(runs: readonly ChartedOutcome[]): string {
  const parts = runs.map(({ result: { rows } }): Parts => {
    if (rows === undefined) return [];
    const { total, completed, dropped } = rows;
    return [['completed', completed], ['dropped', dropped], ['unfinished', total - completed - dropped]];
  });
  if (parts.every((each) => each.length === 0)) return '';
  return section('rows', 'What became of the rows', partition(runs, parts));
}

/** A bar a run, of its parts above zero. */
function partition(runs: readonly ChartedOutcome[], parts: readonly Parts[]): string {
  const present = parts.map((each) => each.filter(([, count]) => count > 0));
  const bars = runs.map(({ result }, run) => {
    const ofRun = present[run] as Parts;
    const all = ofRun.reduce((sum, [, count]) => sum + count, 0);
    const spans = ofRun.map(([name, count]) => {
      const what = `${name} ${count} (${((100 * count) / all).toFixed(1)} %)`;
      const style = `flex:${count} 0 0;background:${colorOf(name)}`;
      return `<span style="${style}" title="${attribute(what)}"></span>`;
    });
    const label = ofRun.map(([name, count]) => `${name} ${count}`).join(', ');
    const bar = `<div class="bar" role="img" aria-label="${attribute(label)}">${spans.join('')}</div>`;
    return `<div>${text(result.variant)}</div>${bar}`;
  });
  const names = [...new Set(present.flatMap((each) => each.map(([name]) => name)))];
  const key = names.map((name) => {
    return `<span><i style="background:${colorOf(name)}"></i>${text(name.replaceAll('_', ' '))}</span>`;
  });
  return `<div class="runs">${bars.join('')}</div><p class="key">${key.join('')}</p>`;
}

function colorOf(outcome: string): string {
  return OUTCOME_COLORS[outcome] ?? '#888888';
}

function metricTable(runs: readonly ChartedOutcome[]): string {
  const results = runs.map(({ result }) => result);
  const rows = metricRows(results, ['outcome', 'latency', 'worker', 'run'], false);
  const heads = results.map((run) => `<th scope="col">${text(run.variant)}</th>`);
  const head = `<tr><th scope="col"></th>${heads.join('')}</tr>`;
  const body = rows.map(({ label, cells }) => {
    return `<tr><th scope="row">${text(label)}</th>${cells.map((cell) => `<td>${text(cell)}</td>`).join('')}</tr>`;
  });
  return `<div class="scroll" tabindex="0"><table>${head}${body.join('')}</table></div>`;
}

function faultNote({ faults }: PageData): string {
  if (faults.length === 0) return '';
  const list = faults.slice(0, 20).map(({ label, from, to }) => {
    return `<li>${text(label)}: ${from.toFixed(1)} s to ${to === null ? 'the end' : `${to.toFixed(1)} s`}</li>`;
  });
  const more = faults.length > list.length ? `<li>and ${faults.length - list.length} more</li>` : '';
  return `<p>Shaded: faults.</p><ul>${list.join('')}${more}</ul>`;
}

function reproduce(runs: readonly ChartedOutcome[], about: ReportAbout): string {
  const rows = runs.map(({ result }) => {
    const cells = [result.variant, String(result.seed), result.digest, result.scenario_hash.slice(0, 16)];
    return `<tr>${cells.map((cell) => `<td>${text(cell)}</td>`).join('')}</tr>`;
  });
  const head = ['variant', 'seed', 'digest', 'scenario hash'].map((each) => `<th scope="col">${each}</th>`).join('');
  return (
    `<pre tabindex="0"><code>${text(about.command.trim())}</code></pre><p>Node ${text(about.nodeVersion)}. ` +
    'Equal digests are equal histories.</p>' +
    `<div class="scroll" tabindex="0"><table><tr>${head}</tr>${rows.join('')}</table></div>`
  );
}
