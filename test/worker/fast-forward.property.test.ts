import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { workerScripts, type WorkerScript } from '../arbitrary/worker-scripts.ts';
import { type EngineRun, planned } from './shapes.ts';

const RUNS = Number(process.env['SPILLWAY_RUNS'] ?? 2000);
const SEED = Number(process.env['SPILLWAY_SEED'] ?? 20260801);

/** What the campaign met, so that a generator gone dull is noticed. */
class Coverage {
  preemptions = 0;
  recomputed = 0;
  prefixHits = 0;
  cuts = 0;
  skippedPasses = 0;
  cancels = 0;
  crashes = 0;
  refusals = 0;

  count(stepped: EngineRun, skipping: EngineRun): void {
    const { totals } = skipping.engine;
    this.preemptions += totals.preemptions;
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

function equalInBothModes({ config, commands }: WorkerScript, coverage: Coverage): void {
  const stepped = planned(config, commands, false);
  const skipping = planned(config, commands, true);
  stepped.driver.run();
  skipping.driver.run();
  expect(skipping.driver.log).toEqual(stepped.driver.log);
  expect(skipping.engine.totals).toEqual(stepped.engine.totals);
  expect(skipping.engine.held()).toEqual({ running: 0, waiting: 0, kvBlocks: 0 });
  expect(stepped.engine.held()).toEqual({ running: 0, waiting: 0, kvBlocks: 0 });
  expect(skipping.gaps.sorted()).toEqual(stepped.gaps.sorted());
  coverage.count(stepped, skipping);
}

describe('an engine that skips passes', () => {
  it('answers, events, token times, totals and gauges equal those of one that steps through them', () => {
    const coverage = new Coverage();
    const property = fc.property(workerScripts(60), (script) => equalInBothModes(script, coverage));
    fc.assert(property, { seed: SEED, numRuns: RUNS });
    if (process.env['SPILLWAY_COVERAGE'] !== undefined) console.log({ ...coverage });
    for (const count of Object.values(coverage)) expect(count).toBeGreaterThan(RUNS / 10);
  });
});
