import { describe, expect, it } from 'vitest';
import { type Panel, svgChart } from '../../src/report/svg-chart.ts';

const PANEL: Panel = {
  title: 'TTFT <&> "more"',
  xTitle: 's',
  yTitle: 'ms',
  series: [
    { name: 'a', points: [[0, 0], [10, 40]], mark: 'line', color: 'red' },
    { name: 'b', points: [[5, 20]], mark: 'dots', color: 'blue' },
  ],
};

describe('a chart', () => {
  it('is an SVG document with a line, dots, titles and a legend for each panel', () => {
    const text = svgChart([PANEL, PANEL]);
    expect(text.startsWith('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 600"')).toBe(true);
    expect(text.endsWith('</svg>\n')).toBe(true);
    expect(text.match(/<polyline/g)).toHaveLength(2);
    expect(text.match(/<circle/g)).toHaveLength(2);
    expect(text).toContain('TTFT &lt;&amp;&gt; &quot;more&quot;');
    expect(text).not.toContain('NaN');
  });

  it('puts the origin left below, the greatest value on a round scale', () => {
    const text = svgChart([PANEL]);
    expect(text).toContain('points="70.0,255.0 740.0,91.0"');
    expect(text).toContain('cx="405.0" cy="173.0"');
    expect(text.match(/>50</g)).toHaveLength(1);
  });

  it('is drawn without points too', () => {
    expect(svgChart([{ ...PANEL, series: [] }])).not.toContain('NaN');
  });
});
