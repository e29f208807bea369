/**
 * A comparison as one HTML file that needs nothing else: verdict first, then each metric's differences seed by seed
 * with their interval, the numbers, which settings differ, and how to run it again. Charts are drawn here, there is no
 * script, and the page's policy for content allows the style it carries and nothing more.
 */
import type { Campaign } from '../lab/compare/campaign.ts';
import type { Difference } from '../lab/compare/comparison.ts';
import { comparisonCells, COMPARISON_HEAD, comparisonVerdicts } from './comparison.ts';
import { type ComparisonAbout, METHOD } from './comparison-document.ts';
import { DOTS_STYLE, seedDots } from './seed-dots.ts';
import { attribute, text } from './html-text.ts';
import { PAGE_STYLE } from './page-style.ts';
import { differingSettings } from './settings-table.ts';

const STYLE = PAGE_STYLE + DOTS_STYLE;

/** `hashOf`: base64 SHA-256 of a text, for the page's own policy. */
export function comparisonPage(campaign: Campaign, about: ComparisonAbout, hashOf: (text: string) => string): string {
  const { arms, differences, seeds, ended } = campaign;
  const baseline = arms[0]?.name ?? '';
  const policy = `default-src 'none'; style-src 'sha256-${hashOf(STYLE)}'; base-uri 'none'; form-action 'none'`;
  const verdicts = comparisonVerdicts(baseline, differences).map((line) => `<li>${text(line)}</li>`);
  const firsts = arms.flatMap(({ name, results: [first] }) => {
    return first === undefined ? [] : [{ ...first, variant: name }];
  });
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${attribute(policy)}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${text(about.title)}, compared – Spillway</title>`,
    `<style>${STYLE}</style>`,
    '</head>',
    '<body>',
    '<main>',
    `<h1>${text(about.title)}, compared</h1>`,
    `<ul class="verdict">${verdicts.join('')}</ul>`,
    `<p>${text(about.why.trim())}</p>`,
    section('Differences, seed by seed', dotsOf(differences, baseline)),
    section('Numbers', numbers(differences)),
    section('Method', `<p>${text(METHOD)}</p><p>${text(`${about.warmUp} ${seedsInWords(seeds, ended)}`)}</p>`),
    section('Policies', differingSettings(firsts)),
    section('Reproduce', reproduce(campaign, about)),
    '</main>',
    '</body>',
    '</html>\n',
  ].join('\n');
}

function section(title: string, body: string): string {
  return `<section aria-label="${attribute(title)}"><h2>${text(title)}</h2>${body}</section>`;
}

/** A figure a metric that moved; the others are named. */
function dotsOf(differences: readonly Difference[], baseline: string): string {
  const labels = [...new Set(differences.map(({ metric }) => metric.label))];
  const groups = labels.map((label) => differences.filter(({ metric }) => metric.label === label));
  const moved = groups.filter((group) => group.some(({ verdict }) => verdict !== 'no difference'));
  const equal = groups.filter((group) => !moved.includes(group)).map(([first]) => first?.metric.label ?? '');
  const legend =
    `Each dot is one seed: how far an arm is from ${baseline} in the same world. The bar is the 95 % interval of the ` +
    'mean. Green is better, orange worse, grey not shown.';
  const rest = equal.length === 0 ? '' : `<p>Equal in every seed: ${text(equal.join(', '))}.</p>`;
  return `<p>${text(legend)}</p><div class="charts">${moved.map(seedDots).join('')}</div>${rest}`;
}

function numbers(differences: readonly Difference[]): string {
  const head = COMPARISON_HEAD.map((each) => `<th scope="col">${text(each)}</th>`).join('');
  const rows = differences.map((difference) => {
    const [metric = '', ...cells] = comparisonCells(difference);
    return `<tr><th scope="row">${text(metric)}</th>${cells.map((cell) => `<td>${text(cell)}</td>`).join('')}</tr>`;
  });
  return `<div class="scroll" tabindex="0"><table><tr>${head}</tr>${rows.join('')}</table></div>`;
}

function seedsInWords(seeds: readonly number[], ended: string): string {
  return `Seeds: ${seeds.length} from ${seeds[0] ?? 'none'} (${ended}).`;
}

function reproduce({ arms, seeds }: Campaign, about: ComparisonAbout): string {
  const head = ['seed', ...arms.map(({ name }) => name)].map((each) => `<th scope="col">${text(each)}</th>`).join('');
  const rows = seeds.map((seed, i) => {
    const cells = arms.map(({ results }) => `<td><code>${text(results[i]?.digest ?? '')}</code></td>`);
    return `<tr><th scope="row">${seed}</th>${cells.join('')}</tr>`;
  });
  return (
    `<pre tabindex="0"><code>${text(about.command)}</code></pre>` +
    `<p>Node ${text(about.nodeVersion)}. Digest of each run; equal digests are equal histories.</p>` +
    `<div class="scroll" tabindex="0"><table><tr>${head}</tr>${rows.join('')}</table></div>`
  );
}
