import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DisaggregatedEngine } from '../../../src/worker/disaggregated/disaggregated-engine.ts';
import { type DisaggregatedScript, disaggregatedScripts } from '../../arbitrary/disaggregated-scripts.ts';
import { GapCounter, WorkerDriver } from '../../harness/worker-driver.ts';

const RUNS = Number(process.env['SPILLWAY_RUNS'] ?? 1500);
const SEED = Number(process.env['SPILLWAY_SEED'] ?? 20261121);
const NOTHING = { running: 0, waiting: 0, kvBlocks: 0 };

interface Run {
  readonly driver: WorkerDriver;
  readonly engine: DisaggregatedEngine<number>;
  readonly gaps: GapCounter;
}

/** What the campaign met, so that a generator gone dull is noticed. */
class Coverage {
  preemptions = 0;
  prefixHits = 0;
  skippedPasses = 0;
  cancels = 0;
  crashes = 0;
  refusals = 0;
  failedBefore = 0;
  brokenStreams = 0;
  finished = 0;

  count(stepped: Run, skipping: Run): void {
    const { totals } = skipping.engine;
    this.preemptions += totals.preemptions;
    this.prefixHits += totals.prefixHitTokens;
    this.skippedPasses += stepped.driver.advances - skipping.driver.advances;
    for (const [kind, , , answer, status] of skipping.driver.log) {
      if (kind === 'cancel' && answer !== undefined) this.cancels++;
      if (kind === 'crash') this.crashes++;
      if (kind === 'submit' && answer !== 0) this.refusals++;
      if (kind === 'failed' && status === 500) this.failedBefore++;
      if (kind === 'failed' && status === 0) this.brokenStreams++;
      if (kind === 'finished') this.finished++;
    }
  }
}

function runOf({ config, commands }: DisaggregatedScript, fastForward: boolean): Run {
  const gaps = new GapCounter();
  const engine = new DisaggregatedEngine<number>(config, gaps, fastForward);
  return { driver: new WorkerDriver(engine).plan(...commands).run(), engine, gaps };
}

function equalInBothModes(script: DisaggregatedScript, coverage: Coverage): void {
  const stepped = runOf(script, false);
  const skipping = runOf(script, true);
  expect(skipping.driver.log).toEqual(stepped.driver.log);
  expect(skipping.engine.totals).toEqual(stepped.engine.totals);
  expect(skipping.engine.held()).toEqual(NOTHING);
  expect(stepped.engine.held()).toEqual(NOTHING);
  expect(skipping.gaps.sorted()).toEqual(stepped.gaps.sorted());
  coverage.count(stepped, skipping);
}

describe('a disaggregated worker that skips passes', () => {
  it('answers, events, token times, totals and gauges equal those of one that steps through them', () => {
    const coverage = new Coverage();
    const property = fc.property(disaggregatedScripts(60), (script) => equalInBothModes(script, coverage));
    fc.assert(property, { seed: SEED, numRuns: RUNS });
    if (process.env['SPILLWAY_COVERAGE'] !== undefined) console.log({ ...coverage });
    for (const count of Object.values(coverage)) expect(count).toBeGreaterThan(RUNS / 10);
  });
});
