/**
 * The gallery of incidents as one HTML file that needs nothing else: a card each with what went wrong, the reporter's
 * numbers beside ours, and how good requests were over time, before and after; where that shows nothing, the symptom
 * as bars. No script; its policy for content allows the style it carries and nothing more. The same runs give the same
 * bytes.
 */
import type { GoodOverTime } from '../lab/incidents/good-over-time.ts';
import type { IncidentOutcome, ShownSymptom } from '../lab/incidents/incident.ts';
import { attribute, text } from './html-text.ts';
import { linkOf, shownValue, verdictOf } from './incident-values.ts';

const STYLE = `
:root{color-scheme:light dark;--text:#1b1f24;--soft:#57606a;--back:#fff;--card:#f6f8fa;--line:#d0d7de;--accent:#0072b2;
--before:#d55e00;--after:#009e73}
@media(prefers-color-scheme:dark){:root{--text:#e6edf3;--soft:#9aa4af;--back:#0d1117;--card:#161b22;--line:#30363d;
--accent:#56b4e9;--before:#ff8c42;--after:#2ecc9b}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1100px;padding:1rem;font:16px/1.5 system-ui,sans-serif;color:var(--text);
background:var(--back)}
h1{font-size:1.6rem;margin:.5rem 0}h2{font-size:1.15rem;margin:0}p{max-width:75ch;margin:.5rem 0}
nav ul{columns:3 16rem;padding-left:1.2rem;font-size:.9rem}
article{margin:1.2rem 0;padding:1rem;background:var(--card);border:1px solid var(--line);border-radius:6px}
header{display:flex;flex-wrap:wrap;gap:.2rem 1rem;align-items:baseline;justify-content:space-between}
.verdict{font-size:.9rem;color:var(--soft)}.lost{color:var(--before);font-weight:600}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums;margin:.5rem 0}
th,td{padding:.2rem .6rem;text-align:right;border-bottom:1px solid var(--line)}
th:first-child,.said{text-align:left}td.number{white-space:nowrap}
svg{display:block;width:100%;max-width:46rem;height:auto;margin:.5rem 0}
svg text{fill:var(--soft);font:11px system-ui,sans-serif}svg line{stroke:var(--line)}
.before{stroke:var(--before);fill:none;stroke-width:2}.after{stroke:var(--after);fill:none;stroke-width:2}
rect.before{fill:var(--before);stroke:none}rect.after{fill:var(--after);stroke:none}
text.before{fill:var(--before);stroke:none}text.after{fill:var(--after);stroke:none}
details{font-size:.9rem;color:var(--soft)}dt{font-weight:600}dd{margin:0 0 .3rem 1rem}
@media(max-width:500px){body{padding:.6rem}article{padding:.7rem}svg text{font-size:18px}}
code{font-family:ui-monospace,monospace;font-size:.9em}a{color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
`;

/** `hashOf`: base64 SHA-256 of a text, for the page's own policy. */
export function incidentsPage(outcomes: readonly IncidentOutcome[], hashOf: (text: string) => string): string {
  const policy = `default-src 'none'; style-src 'sha256-${hashOf(STYLE)}'; base-uri 'none'; form-action 'none'`;
  const shown = outcomes.filter(({ isShown }) => isShown).length;
  const links = outcomes.map(({ incident }) => {
    return `<li><a href="#${attribute(anchor(incident.name))}">${text(incident.name)}</a></li>`;
  });
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${attribute(policy)}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<title>Incidents – Spillway</title>',
    `<style>${STYLE}</style>`,
    '</head>',
    '<body>',
    '<main>',
    '<h1>Incidents, before and after</h1>',
    `<p>${shown} of ${outcomes.length} are shown: ` +
      `each expectation of their scenarios holds. Reported numbers are the ` +
      'reporters’, in their words; all others are measured in the simulator, ' +
      'where the mechanism causes the symptom.</p>',
    `<nav aria-label="Incidents"><ul>${links.join('')}</ul></nav>`,
    ...outcomes.map(card),
    '</main>',
    '</body>',
    '</html>\n',
  ].join('\n');
}

function anchor(name: string): string {
  return name.replaceAll('/', '-');
}

function card(outcome: IncidentOutcome): string {
  const { incident, good, isShown } = outcome;
  const { name, scenario } = incident;
  const link = linkOf(scenario.source);
  const title = link === undefined ? text(name) : `<a href="${attribute(link)}">${text(name)}</a>`;
  const held = outcome.expectations.filter(({ ok }) => ok).length;
  return [
    `<article id="${attribute(anchor(name))}">`,
    `<header><h2>${title}</h2><span class="verdict${isShown ? '' : ' lost'}">` +
      `${text(verdictOf(outcome))}, ${held} of ${outcome.expectations.length} expectations</span></header>`,
    `<p>${text(scenario.why.trim())}</p>`,
    hasCurves(outcome) ? chart(name, good.before, good.after) : bars(outcome),
    symptomTable(outcome.symptoms),
    notes(outcome),
    '</article>',
  ].join('\n');
}

function symptomTable(symptoms: readonly ShownSymptom[]): string {
  const variants = symptoms[0]?.values.map(({ variant }) => variant) ?? [];
  const heads = ['symptom', ...variants].map((each) => `<th scope="col">${text(each)}</th>`);
  const said = ['reported', 'repaired, as reported'].map((each) => `<th scope="col" class="said">${each}</th>`);
  const rows = symptoms.map(({ what, values, reported, repaired }) => {
    const numbers = values.map(({ value }) => `<td class="number">${text(shownValue(value))}</td>`);
    const texts = [reported, repaired ?? ''].map((each) => `<td class="said">${text(each)}</td>`);
    return `<tr><th scope="row">${text(what)}</th>${[...numbers, ...texts].join('')}</tr>`;
  });
  const head = `<tr>${[...heads, ...said].join('')}</tr>`;
  return `<div class="scroll" tabindex="0"><table>${head}${rows.join('')}</table></div>`;
}

function notes({ incident, symptoms, expectations, troubles, results }: IncidentOutcome): string {
  const { scenario, name } = incident;
  const apart = symptoms.flatMap((symptom) =>
    symptom.apart === undefined ? [] : [`${symptom.what}: ${symptom.apart}`],
  );
  const lost = [...troubles, ...expectations.filter(({ ok }) => !ok).map((each) => each.text)];
  const variants = Object.entries(scenario.base.variants).map(([variant, { why = '' }]) => {
    const digest = `digest <code>${text(results.get(variant)?.digest ?? '')}</code>`;
    return `<dt>${text(variant)}</dt><dd>${text(why)} ${digest}</dd>`;
  });
  return [
    ...lost.map((line) => `<p class="lost">${text(line)}</p>`),
    ...apart.map((line) => `<p>${text(line)}</p>`),
    `<details><summary>Variants, source, command</summary><dl>${variants.join('')}</dl>` +
      `<p>${text(scenario.source.trim())}</p><p><code>spillway run ${text(name)} --all-variants</code></p></details>`,
  ].join('\n');
}

const WIDTH = 640;
const HEIGHT = 120;
const LEFT = 54;
const TOP = 26;
const BOTTOM = 20;

/** Less of a difference cannot be seen. */
const SEEN_MIN = 0.1;

/** Whether curves show the symptom: of a dataset it is rows that are lost, not requests. */
function hasCurves({ results, pair, good }: IncidentOutcome): boolean {
  return results.get(pair.before)?.rows === undefined && differ(good.before, good.after);
}

/** Whether two curves can be told apart. */
function differ(before: GoodOverTime, after: GoodOverTime): boolean {
  const sameLength = Math.abs(before.seconds - after.seconds) <= SEEN_MIN * before.seconds;
  return !sameLength || before.fractions.some((fraction, bin) => {
    const other = after.fractions[bin] ?? null;
    return fraction !== null && other !== null && Math.abs(fraction - other) >= SEEN_MIN;
  });
}

const BAR = 22;
const BARS_LEFT = 150;

/** The symptom by variant; nothing where it is no number. */
function bars({ incident: { name }, symptoms: [symptom], pair }: IncidentOutcome): string {
  const values = (symptom?.values ?? []).flatMap(({ variant, value }) => {
    return typeof value === 'number' ? [{ variant, value }] : [];
  });
  const most = values.reduce((top, { value }) => Math.max(top, value), 0);
  if (symptom === undefined || most === 0) return '';
  const rows = values.map(({ variant, value }, row) => {
    const width = ((WIDTH - BARS_LEFT - 90) * value) / most;
    const y = row * BAR;
    return (
      `<text x="0" y="${y + 15}">${text(variant)}</text>` +
      `<rect class="${variant === pair.before ? 'before' : 'after'}" x="${BARS_LEFT}" y="${y + 4}" ` +
      `width="${width.toFixed(1)}" height="${BAR - 8}"/>` +
      `<text x="${(BARS_LEFT + width + 6).toFixed(1)}" y="${y + 15}">${text(shownValue(value))}</text>`
    );
  });
  const label = attribute(`${name}: ${symptom.what}, by variant`);
  return `<svg viewBox="0 0 ${WIDTH} ${values.length * BAR}" role="img" aria-label="${label}">${rows.join('')}</svg>`;
}

/** Fraction of good requests by when they were sent. */
function chart(name: string, before: GoodOverTime, after: GoodOverTime): string {
  const seconds = Math.max(before.seconds, after.seconds);
  const y = (fraction: number): number => TOP + (1 - fraction) * (HEIGHT - TOP - BOTTOM);
  const ends = [y(1), y(0)].map((at) => `<line x1="${LEFT}" y1="${at}" x2="${WIDTH}" y2="${at}"/>`);
  const label = `${name}: fraction of good requests over time, before and after`;
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${attribute(label)}">`,
    ...ends,
    `<text x="0" y="${y(1) + 4}">100 %</text><text x="0" y="${y(0) + 4}">0 %</text>`,
    `<text x="${LEFT}" y="15">good requests by when they were sent</text>`,
    `<text class="before" x="${WIDTH - 120}" y="15">before</text>` +
      `<text class="after" x="${WIDTH - 56}" y="15">after</text>`,
    `<text x="${WIDTH}" y="${HEIGHT - 4}" text-anchor="end">${Math.round(seconds)} s</text>`,
    curve(before, seconds, y, 'before'),
    curve(after, seconds, y, 'after'),
    '</svg>',
  ].join('');
}

/** Broken where nothing was sent; a stretch alone is a short level line. */
function curve(good: GoodOverTime, seconds: number, y: (fraction: number) => number, name: string): string {
  const scale = ((WIDTH - LEFT) * good.seconds) / seconds / good.fractions.length;
  const x = (bin: number): string => (LEFT + bin * scale).toFixed(1);
  const parts: string[] = [];
  good.fractions.forEach((fraction, bin) => {
    if (fraction === null) return;
    const isNew = bin === 0 || good.fractions[bin - 1] === null;
    const at = y(fraction).toFixed(1);
    parts.push(`${isNew ? 'M' : 'L'}${x(bin)} ${at}L${x(bin + 1)} ${at}`);
  });
  return `<path class="${name}" d="${parts.join('')}"/>`;
}
