/** Small charts as SVG text: panels of lines and dots under each other, with axes, a legend, and nothing that moves. */
import { formatCount } from './format.ts';

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly mark: 'line' | 'dots';
  /** CSS color. */
  readonly color: string;
}

export interface Panel {
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly series: readonly Series[];
}

const WIDTH = 760;
const HEIGHT = 300;
const LEFT = 70;
const RIGHT = 20;
const TOP = 50;
const BOTTOM = 45;
const TICKS = 5;

/** An SVG document with one panel under the other. */
export function svgChart(panels: readonly Panel[]): string {
  const height = HEIGHT * panels.length;
  const body = panels.map((panel, i) => `<g transform="translate(0 ${i * HEIGHT})">\n${panelText(panel)}\n</g>`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    ...body,
    '</svg>\n',
  ].join('\n');
}

function panelText({ title, xTitle, yTitle, series }: Panel): string {
  const points = series.flatMap((each) => each.points);
  const xTop = niceTop(Math.max(0, ...points.map(([x]) => x)));
  const yTop = niceTop(Math.max(0, ...points.map(([, y]) => y)));
  const place = ([x, y]: readonly [number, number]): readonly [string, string] => [
    (LEFT + (Math.max(0, x) / xTop) * (WIDTH - LEFT - RIGHT)).toFixed(1),
    (HEIGHT - BOTTOM - (Math.max(0, y) / yTop) * (HEIGHT - TOP - BOTTOM)).toFixed(1),
  ];
  const lines = [`<text x="${LEFT}" y="18" font-weight="bold">${escaped(title)}</text>`];
  for (let i = 0; i <= TICKS; i++) {
    const [x, bottom] = place([(xTop * i) / TICKS, 0]);
    const [left, y] = place([0, (yTop * i) / TICKS]);
    lines.push(`<line x1="${left}" y1="${y}" x2="${WIDTH - RIGHT}" y2="${y}" stroke="#ddd"/>`);
    const yNumber = tickText(yTop, i);
    lines.push(`<text x="${LEFT - 6}" y="${y}" text-anchor="end" dominant-baseline="middle">${yNumber}</text>`);
    lines.push(`<text x="${x}" y="${Number(bottom) + 16}" text-anchor="middle">${tickText(xTop, i)}</text>`);
  }
  lines.push(`<text x="${WIDTH - RIGHT}" y="${HEIGHT - 10}" text-anchor="end">${escaped(xTitle)}</text>`);
  lines.push(`<text x="8" y="${TOP - 12}">${escaped(yTitle)}</text>`);
  series.forEach((each, i) => {
    lines.push(`<text x="${LEFT + 110 + i * 150}" y="${TOP - 12}" fill="${each.color}">${escaped(each.name)}</text>`);
    lines.push(marks(each, place));
  });
  return lines.join('\n');
}

function marks(
  { points, mark, color }: Series,
  place: (point: readonly [number, number]) => readonly [string, string],
): string {
  const placed = points.map(place);
  if (mark === 'line') {
    const path = placed.map(([x, y]) => `${x},${y}`).join(' ');
    return `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="1.5"/>`;
  }
  return placed.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="2" fill="${color}" fill-opacity="0.6"/>`).join('');
}

/** The next of 1, 2, 2.5, 5 times a power of ten. */
function niceTop(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 2.5, 5, 10].find((each) => each * power >= value) ?? 10;
  return step * power;
}

function tickText(top: number, i: number): string {
  const value = (top * i) / TICKS;
  return top >= 10 ? formatCount(value) : value.toFixed(top >= 1 ? 1 : 2);
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
