/**
 * The two tables of spec busy-threshold.md §4 (38 and 27 rows), row by row: the historic variants give what Dynamo
 * gave, and the default gives the same but for the rows named as repaired. Events: D discovery, SEEN discovery nobody
 * acted on yet, C the whole set of sizes, K and L load reports, CLOSE the end of reports, DOWN a worker not ready,
 * WREJ a worker that refused, SET a threshold changed, BAD a report nobody could read. C2 is C{1:1x100x1000,
 * 2:1x100x1000}.
 *
 * The second table does not say its thresholds. They follow from its rows: see `THRESHOLDS_2026`.
 */
import { describe, expect, it } from 'vitest';
import { Busy, busy } from '../../policies/busy/busy.ts';
import type { BusyConfig } from '../../policies/busy/config.ts';
import type { SeedMonitor } from '../../policies/busy/seed-monitor.ts';
import { loadReport, workerView } from '../policies/views.ts';
import { blocks, OFF, playAll } from './groups/busy-events.ts';

/** Row | threshold | events | busy | free | publications | gate. */
const SEED_ROWS = [
  'S1 | 0.95 | D[1,2] C{1:100,2:100} K(1,94) | {} | [1,2] | 0 | accept',
  'S2 | 0.95 | D[1,2] C{1:100,2:100} K(1,95) | {} | [1,2] | 0 | accept',
  'S3 | 0.95 | D[1,2] C{1:100,2:100} K(1,96) | {1} | [2] | 1 | accept',
  'S4 | 0.29 | D[1] C{1:100} K(1,29) | {1} | [] | 1 | reject',
  'S5 | 0.07 | D[1] C{1:100} K(1,7) | {} | [1] | 0 | accept',
  'S6 | 0 | D[1] C{1:100} K(1,0) | {} | [1] | 0 | accept',
  'S7 | 0 | D[1] C{1:100} K(1,1) | {1} | [] | 1 | reject',
  'S8 | 1.0 | D[1] C{1:100} K(1,100) | {} | [1] | 0 | accept',
  'S9 | 1.0 | D[1] C{1:100} K(1,101) | {1} | [] | 1 | reject',
  'S10 | 0.5 | D[1] K(1,1000000000) | {} | [1] | 0 | accept',
  'S11 | 0.5 | D[1] C{1:0} K(1,10) | {} | [1] | 0 | accept',
  'S12 | 0.5 | D[1,2] C{1:100,2:100} K(2,1) | {} | [1,2] | 0 | accept',
  'S13 | 0.5 | D[1,2] K(1,90) C{1:100,2:100} | {} | [1,2] | 0 | accept',
  'S14 | 0.5 | D[1,2] K(1,90) C{1:100,2:100} K(2,1) | {1} | [2] | 1 | accept',
  'S15 | 0.5 | D[1] C{1:100} K(1,60) C{1:1000} | {1} | [] | 1 | reject',
  'S16 | 0.5 | D[1] C{1:1000} K(1,60) C{1:100} | {} | [1] | 0 | accept',
  'S17 | 0.5 | D[1,2] C{1:100,2:100} K(1,60) K(2,60) | {1,2} | [] | 2 | reject',
  'S18 | 0.5 | D[1,2] C{1:100,2:100} K(1,60) K(2,60) K(1,50) | {2} | [1] | 3 | accept',
  'S19 | 0.5 | D[1] C{1:100} K(1,60) | {1} | [] | 1 | reject',
  'S20 | 0.5 | D[1] C{1:100} K(1,60) CLOSE K(1,0) | {1} | [] | 1 | reject',
  'S21 | 0.5 | D[1,2] C{1:100,2:100} K(1,60) D[1,2] | {1} | [1,2] | 1 | accept',
  'S22 | 0.5 | D[1,2] C{1:100,2:100} K(1,60) D[1,2] K(1,70) | {1} | [1,2] | 1 | accept',
  'S23 | 0.5 | D[1,2] C{1:100,2:100} K(1,60) D[1,2] K(1,70) K(2,90) | {1,2} | [] | 2 | reject',
  'S24 | 0.5 | D[1,2] C{1:100,2:100} K(1,60) K(2,60) D[1,2,3] | {1,2} | [1,2,3] | 2 | accept',
  'S25 | 0.5 | D[1,2] C{1:100,2:100} K(1,60) D[2] C{2:100} | {1} | [2] | 1 | accept',
  'S26 | 0.5 | D[1,2] C{1:100,2:100} K(1,60) D[2] C{2:100} K(1,99) | {} | [2] | 2 | accept',
  'S27 | 0.5 | D[1,2] C{1:100,2:100} K(1,60) C{1:-,2:100} K(2,1) | {} | [1,2] | 2 | accept',
  'S28 | 0.5 | D[1,2] C{1:100,2:100} K(1,60) C{2:100} C{1:100,2:100} K(2,1) | {} | [1,2] | 2 | accept',
  'S29 | 0.5 | D[1,2] C{1:100,2:100,9:100} K(9,99) | {9} | [1,2] | 1 | accept',
  'S30 | 0.5 | D[1] C{1:100} K(1,60) BAD | {1} | [] | 1 | reject',
  'S31 | 0.5 | D[1] C{1:100} K(1,99) K(1,1) | {} | [1] | 2 | accept',
  'S32 | 0.5 | D[] C{1:100} K(1,99) | {1} | [] | 1 | no-worker',
  'S33 | 0.5 | D[1,2] C{1:100,2:100} K(1,60) DOWN(2) | {1} | [2] | 1 | accept',
  'S34 | -0.1 | D[1] C{1:100} K(1,0) | {1} | [] | 1 | reject',
  'S35 | nan | D[1] C{1:100} K(1,100) | {} | [1] | 0 | accept',
  'S36 | 0.5 | SEEN[1,2] | {} | [] | 0 | reject',
  'S37 | 0.5 | D[3,1,2] C{1:100,2:100,3:100} K(3,60) K(1,60) K(3,10) | {1} | [3,2] | 3 | accept',
  'S38 | 0.5 | D[1,2] C{1:100,2:100} K(1,60) K(1,61) K(1,62) | {1} | [2] | 1 | accept',
];

/** Row | events | busy | free | verdict. */
const ROWS_2026 = [
  'U1 | D[1] C{1:1x100x1000} L(1.0 dec=100 pre=1000000000 kv=100) | {} | [1] | accept',
  'U2 | D[1,2] C2 L(1.0 dec=60) | {} | [1,2] | accept',
  'U3 | D[1,2] C2 L(1.0 dec=61) | {1} | [2] | accept',
  'U4 | D[1,2] C2 L(1.0 dec=0 pre=1001) | {1} | [2] | accept',
  'U5 | D[1] C{1:1x100x1000} L(1.0 dec=0 pre=1500) | {} | [1] | accept',
  'U6 | D[1] C{1:1x100x1000} L(1.0 dec=0 pre=1501) | {1} | [] | 529',
  'U7 | D[1] C{1:1x100xNone} L(1.0 dec=0 pre=9999999) | {} | [1] | accept',
  'U8 | D[1,2] C2 L(1.0 dec=1 pre=2000) | {1} | [2] | accept',
  'U9 | D[1,2] C{1:2x100x1000, 2:1x100x1000} L(1.0 dec=90) | {} | [1,2] | accept',
  'U10 | D[1,2] C{1:2x100x1000, 2:1x100x1000} L(1.0 dec=90) L(1.1 dec=90) | {1} | [2] | accept',
  'U11 | D[1] C{1:1x100x1000} L(1.5 dec=99) | {} | [1] | accept',
  'U12 | D[1] C{1:1x100x1000} L(7.0 dec=99) | {} | [1] | accept',
  'U13 | D[1,2] L(1.0 dec=90) C2 | {1} | [2] | accept',
  'U14 | D[1,2] C2 L(1.0 kv=90) L(1.0 dec=10) | {1} | [2] | accept',
  'U15 | D[1,2] C2 L(1.0 kv=90) L(1.0 dec=10) L(1.0 kv=10) | {} | [1,2] | accept',
  'U16 | D[1,2] C2 L(1.0 kv=90) L(1.0 dec=0) L(1.0 dec=0) L(1.0 dec=0) L(1.0 dec=0) L(1.0 dec=0) | {1} | [2] | accept',
  'U17 | D[1,2] C2 L(1.0 dec=90) D[1,2] | {1} | [2] | accept',
  'U18 | D[1,2] C2 L(1.0 dec=90) D[2] C{2:1x100x1000} D[1,2] C2 | {} | [1,2] | accept',
  'U19 | D[1,2] C2 L(1.0 dec=90) L(2.0 dec=90) | {1,2} | [] | 529',
  'U20 | D[1,2] C2 L(1.0 dec=90) DOWN(2) | {1} | [] | 529',
  'U21 | D[1] C{1:1x100x1000} DOWN(1) | {} | [] | 503',
  'U22 | D[1,2] C2 WREJ(1) L(2.0 dec=1) | {} | [1,2] | accept',
  'U23 | D[1] C{1:1x100x1000} WREJ(1) | {1} | [] | 529',
  'U24 | D[1,2] C2 L(1.0 dec=80) SET(d=0.5) | {} | [1,2] | accept',
  'U25 | D[1,2] C2 L(1.0 dec=80) SET(d=0.5) L(2.0 dec=1) | {} | [1,2] | accept',
  'U26 | D[1,2] C2 L(1.0 dec=80) SET(d=0.5) L(2.0 dec=1) L(1.0 dec=80) | {1} | [2] | accept',
  'U27 | D[1,2] C2 L(1.0 dec=80) SET(d=0.9) L(2.0 dec=1) | {1} | [2] | accept',
];

/** Row | busy | free | gate, where the default differs. S31 reports its ranks apart; S34 and S35 are refused. */
const REPAIRED = new Map(
  [
    'S4 | {} | [1] | accept',
    'S13 | {1} | [2] | accept',
    'S15 | {} | [1] | accept',
    'S16 | {1} | [] | reject',
    'S20 | {} | [1] | accept',
    'S21 | {1} | [2] | accept',
    'S22 | {1} | [2] | accept',
    'S24 | {1,2} | [3] | accept',
    'S25 | {} | [2] | accept',
    'S27 | {1} | [2] | accept',
    'S28 | {1} | [2] | accept',
    'S29 | {} | [1,2] | accept',
    'S32 | {} | [] | no-worker',
    'S33 | {1} | [] | reject',
    'S36 | {} | [1,2] | accept',
    'U22 | {1} | [2] | accept',
    'U24 | {1} | [2] | accept',
    'U25 | {1} | [2] | accept',
    'U27 | {} | [1,2] | accept',
  ].map((row) => [row.split(' | ')[0], row] as const),
);

/** U2 and U3 give 0.6, U4 and U8 1,000 tokens, U5 and U6 1.5 batches; U24 to U26 start free at 0.8, U27 busy. */
const THRESHOLDS_2026: Readonly<Record<string, Partial<BusyConfig>>> = {
  U1: {},
  U4: { ...blocks(0.6), prefillTokensMax: 1000 },
  U5: { prefillBatchesMax: 1.5 },
  U6: { prefillBatchesMax: 1.5 },
  U7: { prefillBatchesMax: 1.5 },
  U8: { ...blocks(0.6), prefillTokensMax: 1000 },
  U24: blocks(0.9),
  U25: blocks(0.9),
  U26: blocks(0.9),
};

const GATES = { accept: 'accept', 'all-busy': 'reject', 'no-worker': 'no-worker' } as const;

/** `busy | free | gate` as the tables print them; gate in the words of the first. */
function answer(gate: Busy): string {
  return `{${gate.busyWorkers(0).join()}} | [${gate.freeWorkers(0).join()}] | ${GATES[gate.verdict(0)]}`;
}

const seedRows = SEED_ROWS.map((row) => row.split(' | ') as [string, string, string, string, string, string, string]);
const rows2026 = ROWS_2026.map((row) => {
  const [id, events, overloaded, free, verdict] = row.split(' | ') as [string, string, string, string, string];
  const gate = verdict === '529' ? 'reject' : verdict === '503' ? 'no-worker' : verdict;
  return [id, events, `${overloaded} | ${free} | ${gate}`] as const;
});

describe('the tables', () => {
  it('have 38 and 27 rows', () => {
    expect([seedRows.length, rows2026.length]).toEqual([38, 27]);
  });
});

describe('Busy (dynamo-seed)', () => {
  const { model } = busy.config.parse({ name: 'busy', ...busy.variants['dynamo-seed'] });

  it.each(seedRows)('answers row %s as in 2025 (%s): %s', (_id, ratio, events, over, free, publications, verdict) => {
    const gate = playAll({ model, decodeRatioMax: Number(ratio) }, events);
    expect(answer(gate)).toBe(`${over} | ${free} | ${verdict}`);
    expect((gate.monitor as SeedMonitor).publications).toBe(Number(publications));
    expect(gate.allows(0, workerView({ index: 1 }))).toBe(verdict !== 'reject');
  });
});

describe('Busy (dynamo-2026)', () => {
  const { model } = busy.config.parse({ name: 'busy', ...busy.variants['dynamo-2026'] });

  it.each(rows2026)('answers row %s as in 2026: %s', (id, events, expected) => {
    const gate = playAll({ model, ...(THRESHOLDS_2026[id] ?? blocks(0.6)) }, events);
    expect(answer(gate)).toBe(expected);
    expect(gate.allows(0, workerView({ index: 1 }))).toBe(!gate.busyWorkers(0).includes(1));
  });
});

describe('Busy (default)', () => {
  const apart = ['S31', 'S34', 'S35'];
  const seed = seedRows
    .filter(([id]) => !apart.includes(id))
    .map(([id, ratio, events, over, free, , verdict]) => {
      return [id, { decodeRatioMax: Number(ratio) }, events, `${over} | ${free} | ${verdict}`] as const;
    });
  const later = rows2026.map(([id, events, expected]) => {
    return [id, THRESHOLDS_2026[id] ?? blocks(0.6), events, expected] as const;
  });

  it.each([...seed, ...later])('agrees with row %s or repairs it', (id, thresholds, events, historic) => {
    const repaired = REPAIRED.get(id);
    const expected = repaired === undefined ? historic : repaired.slice(repaired.indexOf(' | ') + 3);
    expect(expected === historic).toBe(repaired === undefined);
    expect(answer(playAll(thresholds, events))).toBe(expected);
  });

  it('judges ranks apart where the last writer won (S31)', () => {
    const gate = playAll({ decodeRatioMax: 0.5 }, 'D[1] C{1:2x100x1000} L(1.0 dec=99) L(1.1 dec=1)');
    expect(answer(gate)).toBe('{} | [1] | accept');
    gate.reported(0, 1, 1, loadReport({ decodeBlocks: 99 }));
    expect(answer(gate)).toBe('{1} | [] | reject');
  });

  it.each([-0.1, NaN])('refuses the threshold %s (S34, S35)', (decodeRatioMax) => {
    expect(() => new Busy({ ...OFF, decodeRatioMax })).toThrow('between 0 and 1');
    expect(busy.config.safeParse({ name: 'busy', decodeRatioMax }).success).toBe(false);
  });
});
