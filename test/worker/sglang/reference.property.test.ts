import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sglangLoads, type SglangScript } from '../../arbitrary/sglang-scripts.ts';
import { ReferenceSglang } from './reference-engine.ts';
import { planned } from './shapes.ts';

const RUNS = Number(process.env['SPILLWAY_RUNS'] ?? 1000);
const SEED = Number(process.env['SPILLWAY_SEED'] ?? 20260812);

describe('SglangEngine', () => {
  it('has the token times of the naive reference', () => {
    const met = { retractions: 0, hitTokens: 0, tokens: 0, refused: 0 };
    const property = fc.property(sglangLoads(25), ({ config, commands }: SglangScript) => {
      const { driver, engine } = planned(config, commands, false);
      driver.run();
      const arrivals = commands.flatMap((each) => (each.kind === 'submit' ? [{ at: each.at, job: each.job }] : []));
      const reference = new ReferenceSglang(config).run(arrivals);
      const finishedAt = new Map<unknown, unknown>();
      for (const [kind, at, owner] of driver.log) if (kind === 'finished') finishedAt.set(owner, at);
      expect(finishedAt).toEqual(reference.finishedAt);
      expect(driver.tokens).toEqual(reference.tokens);
      expect(engine.totals.preemptions).toBe(reference.retractions);
      expect(engine.totals.prefixHitTokens).toBe(reference.hitTokens);
      met.retractions += reference.retractions;
      met.hitTokens += reference.hitTokens;
      met.tokens += engine.totals.generatedTokens;
      met.refused += arrivals.length - reference.tokens.size;
    });
    fc.assert(property, { seed: SEED, numRuns: RUNS });
    if (process.env['SPILLWAY_COVERAGE'] !== undefined) console.log(met);
    for (const count of Object.values(met)) expect(count).toBeGreaterThan(RUNS / 2);
  });
});
