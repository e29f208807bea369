/**
 * One chart of the page: lines in the colours of the runs, fault windows as bands behind them, a legend with values.
 */
import uPlot from 'uplot';
import type { FaultBand } from './data.ts';
import { aligned, type Line } from './series.ts';

export interface ChartOptions {
  readonly title: string;
  /** Units of the axes. */
  readonly x: string;
  readonly y: string;
  readonly logX?: boolean;
  /** Drawn only on time axes. */
  readonly faults?: readonly FaultBand[];
}

const HEIGHT = 240;
/** Told apart by eyes that do not see red and green alike (Okabe and Ito). */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#8c8c8c', '#b8a800'];

/** Draws into `parent`; answers what to call when its width has changed. */
export function drawChart(parent: HTMLElement, lines: readonly Line[], options: ChartOptions): () => void {
  const figure = document.createElement('figure');
  const caption = document.createElement('figcaption');
  caption.textContent = options.title;
  figure.append(caption);
  parent.append(figure);
  const style = getComputedStyle(document.documentElement);
  const text = style.getPropertyValue('--text');
  const grid = { stroke: style.getPropertyValue('--grid'), width: 1 };
  const axis = (label: string): uPlot.Axis => ({ label, stroke: text, grid, ticks: grid, labelSize: 20 });
  const width = (): number => Math.max(280, figure.clientWidth);
  const chart = new uPlot(
    {
      width: width(),
      height: HEIGHT,
      scales: { x: { time: false, distr: options.logX === true ? 3 : 1 } },
      axes: [axis(options.x), { ...axis(options.y), size: 64 }],
      series: [
        { label: options.x },
        ...lines.map(({ label }, i): uPlot.Series => ({
          label,
          stroke: COLORS[i % COLORS.length] as string,
          width: 1.5,
          spanGaps: true,
          points: { show: false },
        })),
      ],
      hooks: { drawClear: [(plot) => drawBands(plot, options.faults ?? [], style.getPropertyValue('--fault'))] },
    },
    aligned(lines) as uPlot.AlignedData,
    figure,
  );
  figure.setAttribute('role', 'img');
  figure.setAttribute('aria-label', options.title);
  return () => chart.setSize({ width: width(), height: HEIGHT });
}

function drawBands(plot: uPlot, faults: readonly FaultBand[], color: string): void {
  const { ctx, bbox, scales } = plot;
  const { min, max } = scales['x'] as uPlot.Scale;
  if (min === undefined || max === undefined) return;
  ctx.save();
  ctx.fillStyle = color;
  for (const { from, to } of faults) {
    const left = plot.valToPos(Math.max(from, min), 'x', true);
    const right = plot.valToPos(Math.min(to ?? max, max), 'x', true);
    if (right > left || (from >= min && from <= max)) {
      ctx.fillRect(left, bbox.top, Math.max(1, right - left), bbox.height);
    }
  }
  ctx.restore();
}
