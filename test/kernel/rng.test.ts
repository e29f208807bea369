import { describe, expect, it } from 'vitest';
import { Keyed, hashText, mix32, stream, type Rng } from '../../src/kernel/rng.ts';

function take(rng: Rng, count: number): number[] {
  return Array.from({ length: count }, () => rng());
}

/** Σ (observed − expected)² ÷ expected over `cells` equal cells of [0, 1). */
function chiSquare(draws: readonly number[], cells: number): number {
  const counts = new Array<number>(cells).fill(0);
  for (const draw of draws) counts[Math.floor(draw * cells)] = (counts[Math.floor(draw * cells)] as number) + 1;
  const expected = draws.length / cells;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** Pearson's correlation times √n: about standard normal when the two are independent. */
function correlationZ(xs: readonly number[], ys: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const [mx, my] = [mean(xs), mean(ys)];
  let [sxy, sxx, syy] = [0, 0, 0];
  for (const [i, x] of xs.entries()) {
    const y = ys[i] as number;
    sxy += (x - mx) * (y - my);
    sxx += (x - mx) ** 2;
    syy += (y - my) ** 2;
  }
  return (sxy / Math.sqrt(sxx * syy)) * Math.sqrt(xs.length);
}

/** 99.9 % of draws from a chi-square with 255 degrees of freedom lie below. */
const CHI_SQUARE_255 = 330.5;

describe('stream', () => {
  it('repeats itself for equal seeds and names', () => {
    expect(take(stream(42, 'arrivals'), 100)).toEqual(take(stream(42, 'arrivals'), 100));
    expect(take(stream('42', 'arrivals'), 10)).toEqual(take(stream(42, 'arrivals'), 10));
  });

  it('differs by seed and by name', () => {
    const first = [stream(1, 'a'), stream(2, 'a'), stream(1, 'b'), stream(1, ''), stream('', 'a')].map((rng) => rng());
    expect(new Set(first).size).toBe(first.length);
  });

  it('is unmoved by draws from another stream', () => {
    const alone = take(stream(7, 'router'), 5);
    const router = stream(7, 'router');
    const faults = stream(7, 'faults');
    expect(alone.map(() => (faults(), router()))).toEqual(alone);
  });

  it('fills [0, 1) evenly', () => {
    const draws = take(stream(1, 'uniform'), 65_536);
    expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
    expect(chiSquare(draws, 256)).toBeLessThan(CHI_SQUARE_255);
  });

  it('uses 53 bits, not 32', () => {
    const fine = take(stream(1, 'bits'), 100).filter((draw) => (draw * 2 ** 32) % 1 !== 0);
    expect(fine.length).toBeGreaterThan(90);
  });

  it('is uncorrelated with streams of similar names and seeds', () => {
    const base = take(stream(1, 'worker-1'), 20_000);
    const others = [stream(1, 'worker-2'), stream(1, 'worker-10'), stream(1, 'worker-11'), stream(2, 'worker-1')];
    for (const other of others) expect(Math.abs(correlationZ(base, take(other, 20_000)))).toBeLessThan(4);
  });

  it('draws the pinned numbers', () => {
    expect(take(stream(42, 'arrivals'), 4)).toMatchInlineSnapshot(`
      [
        0.0966915604909585,
        0.9512710102925289,
        0.5279200369362581,
        0.4366903293734139,
      ]
    `);
  });
});

describe('Keyed', () => {
  it('answers a key alike whatever was drawn before', () => {
    const forwards = new Keyed(1, 'service');
    const backwards = new Keyed(1, 'service');
    const keys = Array.from({ length: 200 }, (_, i) => [i % 20, Math.floor(i / 20)] as const);
    const draws = keys.map(([a, b]) => take(forwards.at(a, b).draw, 3));
    const reversed = [...keys].reverse().map(([a, b]) => take(backwards.at(a, b).draw, 5).slice(0, 3));
    expect(reversed.reverse()).toEqual(draws);
  });

  it('gives every key, stream and seed draws of its own', () => {
    const seen = new Set<number>();
    for (const seed of [1, 2]) {
      for (const name of ['service', 'lengths']) {
        const keyed = new Keyed(seed, name);
        for (let a = 0; a < 100; a++) for (let b = 0; b < 10; b++) seen.add(keyed.at(a, b).draw());
      }
    }
    expect(seen.size).toBe(4000);
  });

  it('uses safe integers whole, in both places', () => {
    const keyed = new Keyed(1, 'wide');
    const wide = [0, 1, 2 ** 32, 2 ** 32 + 1, 2 ** 52, Number.MAX_SAFE_INTEGER];
    const draws = wide.flatMap((value) => [keyed.at(value, 3).draw(), keyed.at(3, value).draw()]);
    expect(new Set(draws).size).toBe(draws.length);
  });

  it('fills [0, 1) evenly over requests, over attempts and within a key', () => {
    const keyed = new Keyed(1, 'uniform');
    const byRequest = Array.from({ length: 65_536 }, (_, i) => keyed.at(i, 0).draw());
    const byAttempt = Array.from({ length: 65_536 }, (_, i) => keyed.at(5, i).draw());
    const within = take(keyed.at(1, 1).draw, 65_536);
    for (const draws of [byRequest, byAttempt, within]) {
      expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
      expect(chiSquare(draws, 256)).toBeLessThan(CHI_SQUARE_255);
    }
  });

  it('is uncorrelated between neighbours in request, attempt, draw, name and seed', () => {
    const column = (keyed: Keyed, b: number, skip: number) =>
      Array.from({ length: 20_000 }, (_, a) => take(keyed.at(a, b).draw, skip + 1)[skip] as number);
    const base = column(new Keyed(1, 'service'), 0, 0);
    const others = [
      [...base.slice(1), 0.5],
      column(new Keyed(1, 'service'), 1, 0),
      column(new Keyed(1, 'service'), 0, 1),
      column(new Keyed(1, 'service2'), 0, 0),
      column(new Keyed(2, 'service'), 0, 0),
    ];
    for (const other of others) expect(Math.abs(correlationZ(base, other))).toBeLessThan(4);
  });

  it('draws the pinned numbers', () => {
    const far = new Keyed('s', 'n').at(2 ** 40, 0).draw();
    expect([take(new Keyed(42, 'service').at(17, 2).draw, 3), far]).toMatchInlineSnapshot(`
      [
        [
          0.0008768094956718153,
          0.7168350705606373,
          0.17675888097231385,
        ],
        0.00595879345222583,
      ]
    `);
  });
});

describe('hashes', () => {
  it('maps a million words to a million words', () => {
    const seen = new Set<number>();
    for (let i = 0; i < 1_000_000; i++) seen.add(mix32(i));
    expect(seen.size).toBe(1_000_000);
  });

  it('tells short and similar texts apart', () => {
    const texts = ['', 'a', 'b', 'ab', 'ba', 'worker-1', 'worker-2', 'worker-12', 'é', 'e\u0301'];
    expect(new Set(texts.map(hashText)).size).toBe(texts.length);
  });

  it('answers the pinned values', () => {
    expect([mix32(0), mix32(1), mix32(-1), hashText(''), hashText('spillway')]).toMatchInlineSnapshot(`
      [
        0,
        1364076727,
        2180083513,
        2872998923,
        1904596720,
      ]
    `);
  });
});
