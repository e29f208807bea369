import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Charts } from '../../src/lab/charts.ts';
import { resolveVariants } from '../../src/lab/resolve.ts';
import { runScenario } from '../../src/lab/run.ts';
import { parseScenario } from '../../src/lab/scenario.ts';
import { type PageAssets, renderHtml } from '../../src/report/html.ts';
import { perfettoTrace } from '../../src/report/perfetto.ts';
import type { ChartedOutcome } from '../../src/report/page-data.ts';
import { Spans } from '../../src/lab/spans.ts';

const CHROMIUM = '/usr/bin/chromium';
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

  it('watches a run without altering it', async () => {
    const [resolved] = resolveVariants(scenario, ['base']);
    const plain = await runScenario(resolved as NonNullable<typeof resolved>);
    expect(plain.result).toEqual(runs[0]?.result);
  });

  it.skipIf(!existsSync(CHROMIUM)).each([
    [1200, 'light'],
    [400, 'dark'],
  ] as const)(
    'draws its charts at %i px in a real browser, without an error or a request',
    async (width, scheme) => {
      const path = join(folder, 'page.html');
      writeFileSync(path, renderHtml(runs, about, assets));
      const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
      try {
        const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme: scheme });
        const faults: string[] = [];
        page.on('console', (message) => void faults.push(message.text()));
        page.on('pageerror', (error) => void faults.push(error.message));
        page.on('request', (request) => void (request.url() === `file://${path}` || faults.push(request.url())));
        await page.goto(`file://${path}`);
        await page.waitForSelector('html[data-drawn]');
        expect(await page.locator('canvas').count()).toBeGreaterThanOrEqual(8);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
        const blank = await page.evaluate(BLANK_CANVASES);
      expect(blank).toBe(0);
        expect(faults).toEqual([]);
      } finally {
        await browser.close();
      }
    },
    60_000,
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
