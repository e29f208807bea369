import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sglangScripts } from '../../arbitrary/sglang-scripts.ts';
import { job, submit } from '../shapes.ts';
import { logOf, planned, sglangConfig } from './shapes.ts';

const RUNS = Number(process.env['SPILLWAY_RUNS'] ?? 600);
const SEED = Number(process.env['SPILLWAY_SEED'] ?? 20260815);

/** Gaps of each request's own tokens, from a log of every token. */
function naiveGaps(tokens: ReadonlyMap<number, readonly number[]>): [number, number][] {
  const gaps = new Map<number, number>();
  for (const times of tokens.values()) {
    for (let i = 1; i < times.length; i++) {
      const gap = (times[i] as number) - (times[i - 1] as number);
      gaps.set(gap, (gaps.get(gap) ?? 0) + 1);
    }
  }
  return [...gaps].sort((a, b) => a[0] - b[0]);
}

function hashOf(view: unknown): number {
  return (JSON.parse(String(view)) as { tokenHash: number }).tokenHash;
}

/** Hash of a request whose only token comes at `at`. */
function hashOfToken(at: number): number {
  const config = sglangConfig({ timing: { kind: 'affine', baseUs: 1, perTokenUs: 0, perKvTokenUs: 0 } });
  return hashOf(logOf(config, submit(at - 1, job(1, 1, 1))).at(-1)?.[3]);
}

describe('token hashes of an SGLang engine', () => {
  it('are the sums over the instants of the tokens, retracted in between or not', () => {
    const byInstant = new Map<number, number>();
    const of = (at: number): number => {
      const hash = byInstant.get(at) ?? hashOfToken(at);
      byInstant.set(at, hash);
      return hash;
    };
    let compared = 0;
    const property = fc.property(sglangScripts(60), ({ config, commands }) => {
      const { tokens, log } = planned(config, commands, false).driver.run();
      for (const [kind, , owner, view] of log) {
        if (kind === 'submit' || kind === 'read' || view === undefined) continue;
        const sum = (tokens.get(owner as number) ?? []).reduce((hash, at) => (hash + of(at)) | 0, 0);
        expect(hashOf(view)).toBe(sum);
        compared++;
      }
    });
    fc.assert(property, { seed: SEED + 1, numRuns: RUNS });
    expect(compared).toBeGreaterThan(RUNS * 5);
  });
});

describe('token gaps of an SGLang engine', () => {
  it('are those between the tokens of each request, skipped passes or not', () => {
    let retractions = 0;
    const property = fc.property(sglangScripts(60), ({ config, commands }) => {
      const stepped = planned(config, commands, false);
      const skipping = planned(config, commands, true);
      skipping.driver.run();
      const expected = naiveGaps(stepped.driver.run().tokens);
      expect(stepped.gaps.sorted()).toEqual(expected);
      expect(skipping.gaps.sorted()).toEqual(expected);
      const tokens = [...stepped.driver.tokens.values()].reduce((sum, times) => sum + times.length, 0);
      expect(skipping.engine.totals.generatedTokens).toBe(tokens);
      retractions += skipping.engine.totals.preemptions;
    });
    fc.assert(property, { seed: SEED, numRuns: RUNS });
    expect(retractions).toBeGreaterThan(RUNS / 2);
  });
});
