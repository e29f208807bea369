import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTicks, type TickFile } from '../../src/truth/ticks.ts';
import { folderWith } from './synthetic-log.ts';

/** In the engine: one from 0 s, two from 1.3 s, one from 2.7 s, none from 4.1 s on. */
const STAYS = [
  { queuedAt: 0, lastTokenAt: 2.7e6 },
  { queuedAt: 1.3e6, lastTokenAt: 4.1e6 },
];
const HEAD = 't,running,waiting';

function read(text: string, notes: string[] = []): TickFile {
  return readTicks(join(folderWith({ 'timeseries.csv': text }), 'timeseries.csv'), STAYS, notes);
}

describe('the ticks of a run', () => {
  it('begin where the counts of both files agree, in the middle of what fits', () => {
    // The clock leads by more than 1.3 s and at most 1.7 s.
    const { ticks } = read(`${HEAD}\n1,0,0\n2,1,0\n3,1,1\n4,2,0\n5,1,0\n6,0,0\n`);
    expect(ticks.map(({ at }) => at)).toEqual([1, 2, 3, 4, 5, 6].map((s) => s * 1e6 - 1_510_000));
    expect(ticks[2]).toMatchObject({ running: 1, waiting: 1, kvUsageRatio: undefined });
  });

  it('count preemptions and cached prompt tokens where they have columns for them', () => {
    expect(read(`${HEAD}\n1,1,0\n`)).toMatchObject({ preemptions: undefined, prefixHitRatio: undefined });
    const columns = 'preempted,prompt_compute_throughput,prompt_cached_throughput';
    const counted = read(`${HEAD},${columns}\n1,1,0,2,30,10\n2,2,0,3,30,10\n`);
    expect(counted.preemptions).toBe(5);
    expect(counted.prefixHitRatio).toBe(0.25);
  });

  it('have KV usage in percent or as a ratio, or none, which is said', () => {
    const usage = (values: string): (number | undefined)[] => {
      const [a, b] = values.split(' ');
      return read(`${HEAD},kv_cache_pct\n1,1,0,${a}\n2,1,0,${b}\n`).ticks.map((tick) => tick.kvUsageRatio);
    };
    expect(usage('12.5 50')).toEqual([0.125, 0.5]);
    expect(usage('0.125 0.5')).toEqual([0.125, 0.5]);
    expect(usage('0.0 0.0')).toEqual([undefined, undefined]);
    const notes: string[] = [];
    read(`${HEAD},kv_cache_pct\n1,1,0,0\n`, notes);
    expect(notes).toEqual(['timeseries.csv: kv_cache_pct is 0 throughout: KV usage is not compared']);
  });

  it('may be missing, which is said', () => {
    const notes: string[] = [];
    expect(readTicks(join(folderWith({}), 'timeseries.csv'), STAYS, notes).ticks).toEqual([]);
    expect(notes).toEqual(['timeseries.csv: no such file: running and waiting are not compared']);
  });
});
