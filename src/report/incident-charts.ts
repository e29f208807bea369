/**
 * Charts of the gallery: how good requests were over time before and after the repair, or a symptom as bars. Shapes
 * are SVG that stretches, text is HTML around it, so that it stays as large as it is on a narrow screen. Good and bad
 * have a colour each; a variant that is neither the historic nor the repaired one is neutral, whatever it comes to.
 */
import type { GoodOverTime } from '../lab/incidents/good-over-time.ts';
import type { IncidentOutcome, ShownSymptom } from '../lab/incidents/incident.ts';
import type { FaultStretch } from '../lab/incidents/incident-run.ts';
import { attribute, text } from './html-text.ts';
import { shownValue } from './incident-values.ts';

/** Of the SVG's own coordinates. */
const WIDTH = 600;
const HEIGHT = 100;
/** What has no end, such as a worker that joins or is taken away for good, in SVG coordinates. */
const MARK = 1.5;
/** Less of a difference between two curves cannot be seen. */
const SEEN_MIN = 0.1;

export const CHART_STYLE = `
figure{margin:.8rem 0;max-width:46rem}figcaption{font-size:.85rem;color:var(--soft);margin-bottom:.25rem}
figcaption span{margin-left:1rem;white-space:nowrap}
.before{color:var(--before)}.after{color:var(--after)}
.fault{color:var(--soft);border-left:.8em solid var(--fault);padding-left:.35em}
.plot{display:grid;grid-template-columns:auto 1fr;column-gap:.5rem;font-size:.8rem;color:var(--soft)}
.plot svg{display:block;width:100%;height:6rem;overflow:visible;border:solid var(--line);border-width:1px 0}
.plot .y{display:flex;flex-direction:column;justify-content:space-between;text-align:right;line-height:1}
.plot .x{grid-column:2;display:flex;justify-content:space-between}
path{fill:none;stroke:currentColor;vector-effect:non-scaling-stroke;stroke-width:2}path.before{stroke-width:4}
rect{fill:currentColor}.plot rect{fill:var(--fault)}
.bars{display:grid;grid-template-columns:auto 1fr auto;gap:.25rem .6rem;align-items:center;font-size:.85rem}
.bars svg{display:block;width:100%;height:.9rem}.bars svg.other{color:var(--other)}
.bars .value{font-variant-numeric:tabular-nums;text-align:right}
`;

/** Curves where they show the symptom, else bars; nothing where it is no number. */
export function incidentChart(outcome: IncidentOutcome): string {
  const { good, pair, results } = outcome;
  // Of a dataset it is rows that are lost, not requests.
  const isDataset = results.get(pair.before)?.rows !== undefined;
  return !isDataset && differ(good.before, good.after) ? curves(outcome) : bars(outcome);
}

/** Whether two curves can be told apart. */
function differ(before: GoodOverTime, after: GoodOverTime): boolean {
  const sameLength = Math.abs(before.seconds - after.seconds) <= SEEN_MIN * before.seconds;
  return !sameLength || before.fractions.some((fraction, bin) => {
    const other = after.fractions[bin] ?? null;
    return fraction !== null && other !== null && Math.abs(fraction - other) >= SEEN_MIN;
  });
}

/** Fraction of good requests by when they were sent; the repaired curve is thinner, so that both show where equal. */
function curves({ incident: { title }, good, pair, faults }: IncidentOutcome): string {
  const seconds = Math.max(good.before.seconds, good.after.seconds);
  const shown = faults.filter(({ from }) => from < seconds);
  const keys = [
    `<span class="before">━ ${text(pair.before)}</span>`,
    `<span class="after">─ ${text(pair.after)}</span>`,
    ...(shown.length === 0 ? [] : ['<span class="fault">fault</span>']),
  ];
  const label = attribute(`${title} Fraction of good requests over time, ${pair.before} and ${pair.after}`);
  return [
    `<figure><figcaption>good requests by when they were sent${keys.join('')}</figcaption>`,
    '<div class="plot"><div class="y"><span>100 %</span><span>0 %</span></div>',
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${label}">`,
    ...shown.map((fault) => stretch(fault, seconds)),
    curve(good.before, seconds, 'before'),
    curve(good.after, seconds, 'after'),
    `</svg><div class="x"><span>0 s</span><span>${Math.round(seconds)} s</span></div></div></figure>`,
  ].join('');
}

function stretch({ from, to }: FaultStretch, seconds: number): string {
  const x = (at: number): number => (Math.min(at, seconds) / seconds) * WIDTH;
  const width = to === Infinity ? MARK : Math.max(MARK, x(to) - x(from));
  return `<rect x="${x(from).toFixed(1)}" width="${width.toFixed(1)}" height="${HEIGHT}"/>`;
}

/** Broken where nothing was sent; a stretch alone is a short level line. */
function curve(good: GoodOverTime, seconds: number, name: string): string {
  const scale = (WIDTH * good.seconds) / seconds / good.fractions.length;
  const x = (bin: number): string => (bin * scale).toFixed(1);
  const parts: string[] = [];
  good.fractions.forEach((fraction, bin) => {
    if (fraction === null) return;
    const isNew = bin === 0 || good.fractions[bin - 1] === null;
    const at = ((1 - fraction) * HEIGHT).toFixed(1);
    parts.push(`${isNew ? 'M' : 'L'}${x(bin)} ${at}L${x(bin + 1)} ${at}`);
  });
  return `<path class="${name}" d="${parts.join('')}"/>`;
}

/** The first symptom by variant. */
function bars({ incident: { title }, symptoms: [symptom], pair }: IncidentOutcome): string {
  const values = numbersOf(symptom);
  const most = values.reduce((top, { value }) => Math.max(top, value), 0);
  if (symptom === undefined || most === 0) return '';
  const roleOf = (variant: string): string => {
    if (variant === pair.before) return 'before';
    return variant === pair.after ? 'after' : 'other';
  };
  const rows = values.map(({ variant, value }) => {
    const width = ((100 * value) / most).toFixed(1);
    const role = roleOf(variant);
    return (
      `<span class="${role}">${text(variant)}</span><svg class="${role}" viewBox="0 0 100 1" ` +
      `preserveAspectRatio="none" aria-hidden="true"><rect width="${width}" height="1"/></svg>` +
      `<span class="value">${text(shownValue(value))}</span>`
    );
  });
  const caption = `<figcaption>${text(symptom.what)}</figcaption>`;
  return `<figure aria-label="${attribute(title)}">${caption}<div class="bars">${rows.join('')}</div></figure>`;
}

function numbersOf(symptom: ShownSymptom | undefined): { readonly variant: string; readonly value: number }[] {
  return (symptom?.values ?? []).flatMap(({ variant, value }) => {
    return typeof value === 'number' ? [{ variant, value }] : [];
  });
}
