/**
 * One metric of a comparison as a picture: a row for each arm, a dot for each seed's difference, the mean with its
 * interval as a bar over it, and a line at zero. In percent of the first arm's mean, absolute when that is 0.
 */
import type { Difference } from '../lab/compare/comparison.ts';
import { relativeText } from './comparison.ts';
import { attribute, text } from './html-text.ts';

export const DOTS_STYLE = `
svg{display:block;width:100%;height:auto}svg text{fill:var(--text);font:12px system-ui,sans-serif}
svg text.soft{fill:var(--soft);font-size:11px}svg .zero{stroke:var(--soft)}
svg .dot{fill:var(--soft);fill-opacity:.45}svg .bar{stroke:var(--soft);stroke-width:3}svg .mean{fill:var(--soft)}
svg .better .bar{stroke:var(--good)}svg .better .mean,svg .better .dot{fill:var(--good)}
svg .worse .bar{stroke:var(--bad)}svg .worse .mean,svg .worse .dot{fill:var(--bad)}
@media(max-width:500px){svg text,svg text.soft{font-size:15px}}
`;

const WIDTH = 480;
const ROW = 46;
const LABEL = 16;
const FOOT = 18;
/** Free space left and right of the outermost dot. */
const MARGIN = 10;
/** Rows over which the dots of an arm are spread, so that equal ones can be told apart. */
const LANES = 5;
const LANE = 3;

/** Differences of one metric, an arm each. At least one. */
export function seedDots(group: readonly Difference[]): string {
  const [first] = group;
  if (first === undefined) return '';
  const { metric, beforeMean } = first;
  const [scale, unit] = beforeMean === 0 ? [1, ''] : [100 / Math.abs(beforeMean), ' %'];
  const rows = group.map((difference) => {
    return { difference, values: differencesOf(difference).map((each) => each * scale) };
  });
  const shown = rows.flatMap(({ difference: { interval }, values }) => {
    return [0, ...values, interval.low * scale, interval.high * scale].filter(Number.isFinite);
  });
  const [low, high] = [Math.min(...shown), Math.max(...shown)];
  const span = high - low || 1;
  const x = (value: number): number => MARGIN + ((value - low) / span) * (WIDTH - 2 * MARGIN);
  const height = rows.length * ROW + FOOT;
  const label = group.map((each) => `${each.arm} ${relativeText(each)}`).join('; ');
  return [
    `<figure><figcaption>${text(metric.label)} <span>(${metric.better} is better)</span></figcaption>`,
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${attribute(`${metric.label}: ${label}`)}">`,
    `<line class="zero" x1="${at(x(0))}" y1="0" x2="${at(x(0))}" y2="${height - FOOT}"/>`,
    ...rows.map(({ difference, values }, row) => armRow(difference, values, row * ROW, (value) => x(value * scale), x)),
    ...ticks(low, high, unit).map(({ value, name, anchor }) => {
      return `<text class="soft" x="${at(x(value))}" y="${height - 4}" text-anchor="${anchor}">${text(name)}</text>`;
    }),
    '</svg></figure>',
  ].join('');
}

function armRow(
  difference: Difference,
  values: readonly number[],
  top: number,
  placeOf: (value: number) => number,
  x: (shown: number) => number,
): string {
  const { interval, verdict, arm } = difference;
  const middle = top + LABEL + (ROW - LABEL) / 2;
  const dots = values.map((value, i) => {
    const lane = ((i % LANES) - (LANES - 1) / 2) * LANE;
    return `<circle class="dot" cx="${at(x(value))}" cy="${at(middle + lane)}" r="3"/>`;
  });
  const [from, to] = [interval.low, interval.high].map((end) => (Number.isFinite(end) ? placeOf(end) : NaN));
  const bar =
    Number.isFinite(from) && Number.isFinite(to)
      ? `<line class="bar" x1="${at(from as number)}" y1="${at(middle)}" x2="${at(to as number)}" y2="${at(middle)}"/>`
      : '';
  const mean = placeOf(interval.mean);
  const corners = [[0, -7], [5, 0], [0, 7], [-5, 0]] as const;
  const tip = corners.map(([right, down]) => `${at(mean + right)},${at(middle + down)}`).join(' ');
  return (
    `<g class="${verdict === 'better' || verdict === 'worse' ? verdict : 'open'}">` +
    `<text x="${MARGIN + 6}" y="${top + 12}">${text(arm)}: ${text(relativeText(difference))}</text>` +
    `${dots.join('')}${bar}<polygon class="mean" points="${tip}"/></g>`
  );
}

function differencesOf({ before, after }: Difference): number[] {
  return before.map((from, i) => (after[i] as number) - from);
}

interface Tick {
  readonly value: number;
  readonly name: string;
  readonly anchor: 'start' | 'middle' | 'end';
}

/** Both ends, and zero where there is room for it. */
function ticks(low: number, high: number, unit: string): Tick[] {
  const span = high - low;
  const ends: Tick[] = [
    { value: low, name: tickText(low, unit), anchor: 'start' },
    { value: high, name: tickText(high, unit), anchor: 'end' },
  ];
  const hasRoom = Math.min(-low, high) > 0.15 * span;
  return hasRoom ? [...ends, { value: 0, name: '0', anchor: 'middle' }] : ends;
}

function tickText(value: number, unit: string): string {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return `${value < 0 ? '−' : value > 0 ? '+' : ''}${size === 0 ? '0' : size.toFixed(digits)}${unit}`;
}

function at(place: number): string {
  return place.toFixed(1);
}
