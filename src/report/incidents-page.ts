/**
 * The gallery of incidents as one HTML file that needs nothing else: a card each with what went wrong, its chart, and
 * the reporter's numbers beside ours. No script; its policy for content allows the style it carries and nothing more.
 * The same runs give the same bytes.
 */
import type { IncidentOutcome, ShownSymptom } from '../lab/incidents/incident.ts';
import { attribute, text } from './html-text.ts';
import { CHART_STYLE, incidentChart } from './incident-charts.ts';
import { groupsOf, type IncidentGroup, linkOf, shownValue, storyOf, verdictOf } from './incident-values.ts';

const STYLE = `
:root{color-scheme:light dark;--text:#1b1f24;--soft:#57606a;--back:#fff;--card:#f6f8fa;--line:#d0d7de;--accent:#0072b2;
--before:#b84a00;--after:#00795a;--other:#8c959f;--fault:#d55e0030}
@media(prefers-color-scheme:dark){:root{--text:#e6edf3;--soft:#9aa4af;--back:#0d1117;--card:#161b22;--line:#30363d;
--accent:#56b4e9;--before:#ff8c42;--after:#2ecc9b;--other:#6e7681;--fault:#ff8c4238}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1100px;padding:1rem;font:16px/1.5 system-ui,sans-serif;color:var(--text);
background:var(--back)}
h1{font-size:1.6rem;margin:.5rem 0}h2{font-size:1.3rem;margin:1.5rem 0 .5rem}h3{font-size:1.1rem;margin:0}
p{max-width:75ch;margin:.5rem 0}
nav ul{columns:2 24rem;column-gap:2rem;padding-left:1.2rem;margin:.3rem 0 1rem;font-size:.9rem}
nav li{break-inside:avoid}nav h2{font-size:1rem;margin:.8rem 0 0}
article{margin:1.2rem 0;padding:1rem;background:var(--card);border:1px solid var(--line);border-radius:6px}
header p{display:flex;flex-wrap:wrap;gap:0 1.2rem;max-width:none;margin:.2rem 0;font-size:.9rem;color:var(--soft)}
.lost{color:var(--before);font-weight:600}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums;margin:.5rem 0}
th,td{padding:.2rem .6rem;text-align:right;border-bottom:1px solid var(--line)}
th:first-child{padding-left:0}th[scope=row]{font-weight:400}th:first-child,.said{text-align:left}
td.number,th[scope=col]{white-space:nowrap}
details{font-size:.9rem;color:var(--soft)}dt{font-weight:600}dd{margin:0 0 .3rem 1rem}p,dd{overflow-wrap:anywhere}
code{font-family:ui-monospace,monospace;font-size:.9em}a{color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
@media(max-width:640px){body{padding:.6rem}article{padding:.7rem}h1{font-size:1.3rem}nav ul{columns:1}
thead{display:none}table,tbody,tr,th{display:block;text-align:left;border:0;padding:0}
tr{border-bottom:1px solid var(--line);padding:.3rem 0}th[scope=row]{font-weight:600}td{border:0;padding:0}
td,td.said{display:flex;justify-content:space-between;gap:1rem;text-align:right}td:empty{display:none}
td::before{content:attr(data-of);color:var(--soft);text-align:left;flex:none}}
${CHART_STYLE}`;

/** `hashOf`: base64 SHA-256 of a text, for the page's own policy. */
export function incidentsPage(outcomes: readonly IncidentOutcome[], hashOf: (text: string) => string): string {
  const policy = `default-src 'none'; style-src 'sha256-${hashOf(STYLE)}'; base-uri 'none'; form-action 'none'`;
  const shown = outcomes.filter(({ isShown }) => isShown).length;
  const groups = groupsOf(outcomes);
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
    `<p>${shown} of ${outcomes.length} are shown: each expectation of their scenarios holds. Reported numbers are ` +
      'the reporters’, in their words; all others are measured in the simulator, where the mechanism causes the ' +
      'symptom.</p>',
    `<nav aria-label="Incidents">${groups.map(contents).join('')}</nav>`,
    ...groups.flatMap(({ title, members }) => [`<h2>${text(title)}</h2>`, ...members.map(card)]),
    '</main>',
    '</body>',
    '</html>\n',
  ].join('\n');
}

function contents({ title, members }: IncidentGroup): string {
  const links = members.map(({ incident: { name, title: each } }) => {
    return `<li><a href="#${attribute(anchor(name))}">${text(each)}</a></li>`;
  });
  return `<h2>${text(title)}</h2><ul>${links.join('')}</ul>`;
}

function anchor(name: string): string {
  return name.replaceAll('/', '-');
}

function card(outcome: IncidentOutcome): string {
  const { incident, isShown } = outcome;
  const { name, title, scenario } = incident;
  const link = linkOf(scenario.source);
  const held = outcome.expectations.filter(({ ok }) => ok).length;
  return [
    `<article id="${attribute(anchor(name))}">`,
    `<header><h3>${text(title)}</h3>`,
    `<p><span>${text(name)}</span>` +
      (link === undefined ? '' : `<a href="${attribute(link)}">${text(link.replace('https://', ''))}</a>`) +
      `<span${isShown ? '' : ' class="lost"'}>${text(verdictOf(outcome))}, ` +
      `${held} of ${outcome.expectations.length} expectations</span></p></header>`,
    `<p>${text(storyOf(incident))}</p>`,
    incidentChart(outcome),
    symptomTable(outcome.symptoms),
    notes(outcome),
    '</article>',
  ].join('\n');
}

/** On a narrow screen a row becomes a list, each value with the head of its column. */
function symptomTable(symptoms: readonly ShownSymptom[]): string {
  const variants = symptoms[0]?.values.map(({ variant }) => variant) ?? [];
  const isRepairTold = symptoms.some(({ repaired }) => repaired !== undefined);
  const said = ['reported', ...(isRepairTold ? ['repaired, as reported'] : [])];
  const heads = ['symptom', ...variants].map((each) => `<th scope="col">${text(each)}</th>`);
  const saidHeads = said.map((each) => `<th scope="col" class="said">${each}</th>`);
  const cell = (kind: string, of: string, shown: string): string => {
    return `<td class="${kind}" data-of="${attribute(of)}">${text(shown)}</td>`;
  };
  const rows = symptoms.map(({ what, values, reported, repaired = '' }) => {
    const numbers = values.map(({ variant, value }) => cell('number', variant, shownValue(value)));
    const texts = said.map((of, i) => cell('said', of, i === 0 ? reported : repaired));
    return `<tr><th scope="row">${text(what)}</th>${[...numbers, ...texts].join('')}</tr>`;
  });
  const head = `<thead><tr>${[...heads, ...saidHeads].join('')}</tr></thead>`;
  return `<div class="scroll" tabindex="0"><table>${head}<tbody>${rows.join('')}</tbody></table></div>`;
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
