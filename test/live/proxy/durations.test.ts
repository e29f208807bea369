/** Histograms and counters of the proxy as a scraper reads them. */
import { Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { Durations } from '../../../src/live/proxy/durations.ts';
import { Tally } from '../../../src/live/proxy/tally.ts';

describe('durations', () => {
  it('read as the histogram of prom-client does', async () => {
    const buckets = [0.001, 0.005, 0.025, 0.1, 0.25, 1, 2.5, 10, 30, 60, 300, 1800];
    const theirs = new Registry();
    const histogram = new Histogram({
      name: 'took',
      help: 'Time.',
      labelNames: ['route'],
      buckets,
      registers: [theirs],
    });
    const ours = new Registry();
    const durations = new Durations('took', 'Time.');
    ours.registerMetric(durations as unknown as Histogram);
    for (const sec of [0, 0.001, 0.0011, 0.3, 1, 1, 1800, 1801]) {
      histogram.observe({ route: 'chat' }, sec);
      durations.observe('chat', sec);
    }
    histogram.observe({ route: 'models' }, 0.02);
    durations.observe('models', 0.02);
    expect(await ours.metrics()).toBe(await theirs.metrics());
  });
});

describe('a tally', () => {
  it('counts by all labels in order', () => {
    const tally = new Tally();
    tally.inc(['a', 'b']);
    tally.inc(['b', 'a'], 2);
    tally.inc(['a', 'c']);
    tally.inc(['a', 'b']);
    expect([...tally.entries()]).toEqual([
      [['a', 'b'], 2],
      [['a', 'c'], 1],
      [['b', 'a'], 2],
    ]);
    const plain = new Tally();
    expect([...plain.entries()]).toEqual([]);
    plain.inc([]);
    expect([...plain.entries()]).toEqual([[[], 1]]);
  });
});
