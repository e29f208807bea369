import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Charts } from '../../src/lab/charts.ts';
import { resolveVariants } from '../../src/lab/resolve.ts';
import { runScenario } from '../../src/lab/run.ts';
import { parseScenario } from '../../src/lab/scenario.ts';
import { type PageAssets, renderHtml } from '../../src/report/html.ts';
import { perfettoTrace } from '../../src/report/perfetto.ts';
import type { ChartedOutcome } from '../../src/report/page-data.ts';
import { Spans } from '../../src/lab/spans.ts';
import { BROWSER_TIMEOUT_MS, CHROMIUM, faultsOf } from '../harness/browser.ts';

const ROOT = join(import.meta.dirname, '../..');

const scenario = parseScenario(
  `
name: page
why: A page with <b>markup</b> & "quotes".
source: a test
fleet: [{count: 2, engine: {maxRunning: 8}}]
workload: {kind: open, arrivals: {process: poisson, rate: 20}, prompt: 100, output: 20, requests: 80}
faults: [{kind: crash, worker: 1, at: 1s, for: 1s}]
variants: {random: {set: {policies.router: {name: random}}}}
`,
  'page.yaml',
);

/** Run in the page: how many canvases have not one drawn pixel. */
const BLANK_CANVASES = `[...document.querySelectorAll('canvas')].filter((canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return !data.some((value) => value !== 0);
}).length`;

let folder = '';
let assets: PageAssets;
const runs: ChartedOutcome[] = [];
let trace = '';
const about = { title: 'page </script>', command: 'spillway run page.yaml', nodeVersion: 'v0', why: scenario.why };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-'));
  const entry = join(ROOT, 'src/report/browser/main.ts');
  const esbuild = join(ROOT, 'node_modules/.bin/esbuild');
  execFileSync(esbuild, [entry, '--bundle', '--minify', '--format=iife', '--log-level=error', `--outdir=${folder}`]);
  assets = {
    script: readFileSync(join(folder, 'main.js'), 'utf8').trim(),
    style: readFileSync(join(folder, 'main.css'), 'utf8').trim(),
    hashOf: (text) => createHash('sha256').update(text).digest('base64'),
  };
  for (const resolved of resolveVariants(scenario, ['base', 'random'])) {
    const charts = new Charts();
    const spans = new Spans();
    const { result } = await runScenario(resolved, { charts, tap: spans });
    const faults = [{ label: 'crash on worker 1', at: 1e6, forUs: 1e6 }];
    runs.push({ result, charts: charts.data(), faults });
    const endUs = result.simulated_seconds * 1e6;
    trace = perfettoTrace({ name: 'x', spans: spans.spans(), oneIn: 1, charts: charts.data(), faults, endUs });
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the page of a report', () => {
  it('lets no text be markup and has the same bytes for the same runs', () => {
    const page = renderHtml(runs, about, assets);
    expect(page).toContain('<h1>page &lt;/script&gt;</h1>');
    expect(page).toContain('A page with &lt;b&gt;markup&lt;/b&gt; &amp; "quotes".');
    expect(page.match(/<\/script>/g)).toHaveLength(2);
    expect(renderHtml(runs, about, assets)).toBe(page);
  });

  it('shows what became of the rows of a dataset, which requests alone do not tell', () => {
    const first = runs[0] as ChartedOutcome;
    const rows = {
      ...{ total: 10, completed: 7, dropped: 2, deferred_count: 0, preserved_count: 0, salvage_rounds: 0 },
      ...{ tasks_started: 9, admission_timeouts: 0, waiters_max: 0, reasons: {} },
    };
    const page = renderHtml([{ ...first, result: { ...first.result, rows } }], about, assets);
    expect(page).toContain('<h2>What became of the rows</h2>');
    expect(page).toContain('aria-label="completed 7, dropped 2, unfinished 1"');
    expect(renderHtml(runs, about, assets)).not.toContain('What became of the rows');
  });

  it('watches a run without altering it', async () => {
    const [resolved] = resolveVariants(scenario, ['base']);
    const plain = await runScenario(resolved as NonNullable<typeof resolved>);
    expect(plain.result).toEqual(runs[0]?.result);
  });

  it.skipIf(CHROMIUM === undefined).each([
    { width: 1200, scheme: 'light' },
    { width: 400, scheme: 'dark' },
  ] as const)(
    'draws its charts at $width px in a real browser, without an error or a request',
    async (look) => {
      const path = join(folder, 'page.html');
      writeFileSync(path, renderHtml(runs, about, assets));
      const faults = await faultsOf(path, look, async (page) => {
        await page.waitForSelector('html[data-drawn]');
        expect(await page.locator('canvas').count()).toBeGreaterThanOrEqual(8);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(look.width);
        expect(await page.evaluate(BLANK_CANVASES)).toBe(0);
      });
      expect(faults).toEqual([]);
    },
    BROWSER_TIMEOUT_MS,
  );
});

describe('a trace for Perfetto', () => {
  it('ends every span that begins, and points each retry at an attempt', () => {
    const { traceEvents } = JSON.parse(trace) as { traceEvents: Record<string, unknown>[] };
    const of = (ph: string) => traceEvents.filter((event) => event['ph'] === ph);
    const keys = (events: Record<string, unknown>[]) =>
      events.map(({ cat, id, pid }) => `${String(cat)} ${String(id)} ${String(pid)}`).sort();
    expect(keys(of('b'))).toEqual(keys(of('e')));
    expect(of('b').filter(({ cat }) => cat === 'request')).toHaveLength(80);
    expect(of('s').length).toBeGreaterThan(0);
    expect(of('s').length).toBe(of('f').length);
    expect(of('i').map(({ name, ts }) => `${String(name)} ${String(ts)}`)).toEqual([
      'crash on worker 1 begins 1000000',
      'crash on worker 1 ends 2000000',
    ]);
    const chosen = of('n').filter(({ name }) => String(name).startsWith('to worker'));
    expect(chosen.length).toBe(of('b').filter(({ cat }) => cat === 'attempt').length);
    expect(of('C').length).toBeGreaterThan(100);
  });
});
