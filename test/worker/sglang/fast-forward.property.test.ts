import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SglangScript, sglangScripts } from '../../arbitrary/sglang-scripts.ts';
import { planned, type SglangRun } from './shapes.ts';

const RUNS = Number(process.env['SPILLWAY_RUNS'] ?? 1500);
const SEED = Number(process.env['SPILLWAY_SEED'] ?? 20260811);
const NOTHING = { running: 0, waiting: 0, kvBlocks: 0 };

/** What the campaign met, so that a generator gone dull is noticed. */
class Coverage {
  retractions = 0;
  recomputed = 0;
  prefixHits = 0;
  cuts = 0;
  skippedPasses = 0;
  cancels = 0;
  crashes = 0;
  refusals = 0;

  count(stepped: SglangRun, skipping: SglangRun): void {
    const { totals } = skipping.engine;
    this.retractions += totals.preemptions;
    this.recomputed += totals.recomputedTokens;
    this.prefixHits += totals.prefixHitTokens;
    this.cuts += skipping.driver.cuts;
    this.skippedPasses += stepped.driver.advances - skipping.driver.advances;
    for (const [kind, , , answer] of skipping.driver.log) {
      if (kind === 'cancel' && answer !== undefined) this.cancels++;
      if (kind === 'crash') this.crashes++;
      if (kind === 'submit' && answer !== 0) this.refusals++;
    }
  }
}

function equalInBothModes({ config, commands }: SglangScript, coverage: Coverage): void {
  const stepped = planned(config, commands, false);
  const skipping = planned(config, commands, true);
  stepped.driver.run();
  skipping.driver.run();
  expect(skipping.driver.log).toEqual(stepped.driver.log);
  expect(skipping.engine.totals).toEqual(stepped.engine.totals);
  expect(skipping.engine.held()).toEqual(NOTHING);
  expect(stepped.engine.held()).toEqual(NOTHING);
  expect(skipping.gaps.sorted()).toEqual(stepped.gaps.sorted());
  coverage.count(stepped, skipping);
}

describe('an SGLang engine that skips passes', () => {
  it('answers, events, token times, totals and gauges equal those of one that steps through them', () => {
    const coverage = new Coverage();
    const property = fc.property(sglangScripts(60), (script) => equalInBothModes(script, coverage));
    fc.assert(property, { seed: SEED, numRuns: RUNS });
    if (process.env['SPILLWAY_COVERAGE'] !== undefined) console.log({ ...coverage });
    for (const count of Object.values(coverage)) expect(count).toBeGreaterThan(RUNS / 10);
  });
});
