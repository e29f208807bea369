import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mix32 } from '../../../src/kernel/rng.ts';
import type { JobView, WorkerGauges, WorkerHeld, WorkerTotals } from '../../../src/worker/worker.ts';
import { type DynamoScript, dynamoLoads, dynamoScripts } from './scripts.ts';
import { type DynamoRun, planned } from './shapes.ts';

const RUNS = Number(process.env['SPILLWAY_RUNS'] ?? 2000);
const SEED = Number(process.env['SPILLWAY_SEED'] ?? 20260812);

type Reading = WorkerGauges & WorkerHeld & WorkerTotals;

function run({ config, commands }: DynamoScript): DynamoRun {
  const made = planned(config, commands);
  made.driver.run();
  return made;
}

/** Final views by owner: of the finished, the cancelled and the lost. */
function views({ driver }: DynamoRun): [number, Partial<JobView<number>>][] {
  return driver.log.flatMap(([kind, , owner, view]) => {
    if (kind === 'submit' || kind === 'read' || typeof view !== 'string') return [];
    return [[owner as number, JSON.parse(view) as Partial<JobView<number>>]];
  });
}

/** Checks each reading against the log up to it. */
function checkReadings({ config }: DynamoScript, { driver }: DynamoRun): number {
  let [alive, cancelled, readings, sinceUs] = [0, 0, 0, 0];
  let before: Reading | undefined;
  for (const [kind, at, owner, answer] of driver.log) {
    if (kind === 'submit' && answer === 0) alive++;
    if (kind === 'finished' || kind === 'crash' || (kind === 'cancel' && answer !== undefined)) alive--;
    if (kind === 'cancel' && answer !== undefined) cancelled++;
    if (kind !== 'read') continue;
    const reading = owner as Reading;
    // A running request that was given up stays until the end of its pass.
    expect(reading.running + reading.waiting).toBeGreaterThanOrEqual(alive);
    expect(reading.running + reading.waiting).toBeLessThanOrEqual(alive + cancelled);
    expect(reading.kvTotalBlocks).toBe(config.blocks * config.ranks);
    for (const used of [reading.kvUsedBlocks, reading.kvBlocksMax, reading.kvBlocks]) {
      expect(used).toBeLessThanOrEqual(reading.kvTotalBlocks);
    }
    expect(reading.running).toBeLessThanOrEqual(config.maxRunning * config.ranks);
    const busyUs = reading.busyUs - (before?.busyUs ?? 0);
    expect(busyUs).toBeLessThanOrEqual((at as number) - sinceUs);
    sinceUs = at as number;
    before = reading;
    readings++;
  }
  return readings;
}

describe('DynamoEngine', () => {
  it('keeps its invariants, its gauges and its books under any commands, and ends empty', () => {
    const met = { preemptions: 0, recomputed: 0, hits: 0, evictions: 0, crashed: 0, cancelled: 0, read: 0, trtllm: 0 };
    const property = fc.property(dynamoScripts(60), (script) => {
      const made = run(script);
      const { engine, driver } = made;
      const { totals } = engine;
      expect(engine.held()).toEqual({ running: 0, waiting: 0, kvBlocks: 0 });
      expect(engine.nextAt()).toBe(Infinity);
      expect(engine.idleBlocks).toBeLessThanOrEqual(script.config.blocks * script.config.ranks);
      met.read += checkReadings(script, made);
      const ended = views(made);
      const sum = (of: (view: Partial<JobView<number>>) => number | undefined): number =>
        ended.reduce((all, [, view]) => all + (of(view) ?? 0), 0);
      expect(totals.generatedTokens).toBe(sum(({ generated }) => generated));
      expect(totals.prefixHitTokens).toBe(sum(({ cachedTokens }) => cachedTokens));
      expect(totals.recomputedTokens).toBe(sum(({ recomputedTokens }) => recomputedTokens));
      const accepted = driver.log.filter(([kind, , , status]) => kind === 'submit' && status === 0);
      const owners = ended.map(([owner]) => owner).sort((a, b) => a - b);
      expect(owners).toEqual(accepted.map(([, , owner]) => owner as number).sort((a, b) => a - b));
      if (script.config.semantics === 'trtllm') {
        expect(totals.preemptions).toBe(0);
        met.trtllm++;
      }
      met.preemptions += totals.preemptions;
      met.recomputed += totals.recomputedTokens;
      met.hits += totals.prefixHitTokens;
      met.evictions += engine.evictions;
      met.crashed += driver.log.filter(([kind]) => kind === 'crash').length;
      met.cancelled += driver.log.filter(([kind, , , view]) => kind === 'cancel' && view !== undefined).length;
    });
    fc.assert(property, { seed: SEED, numRuns: RUNS });
    if (process.env['SPILLWAY_COVERAGE'] !== undefined) console.log(met);
    for (const count of Object.values(met)) expect(count).toBeGreaterThan(RUNS / 10);
  });

  it('repeats a run to the bit', () => {
    const property = fc.property(dynamoScripts(60), (script) => {
      const [first, second] = [run(script), run(script)];
      expect(second.driver.log).toEqual(first.driver.log);
      expect(second.engine.totals).toEqual(first.engine.totals);
      expect(second.engine.tokens).toEqual(first.engine.tokens);
    });
    fc.assert(property, { seed: SEED + 1, numRuns: RUNS / 10 });
  });

  it('spends every microsecond of a request running or waiting', () => {
    let spent = 0;
    const property = fc.property(dynamoLoads(40), ({ config, commands }) => {
      const { engine, driver } = run({ config, commands: commands.filter(({ kind }) => kind !== 'cancel') });
      let stayUs = 0;
      for (const [kind, at, , answer] of driver.log) {
        if (kind === 'submit' && answer === 0) stayUs -= at as number;
        if (kind === 'finished') stayUs += at as number;
      }
      expect(engine.totals.runningUs + engine.totals.waitingUs + 0).toBe(stayUs);
      spent += stayUs;
    });
    fc.assert(property, { seed: SEED + 2, numRuns: RUNS / 4 });
    expect(spent).toBeGreaterThan(RUNS * 10);
  });

  it('reports the gap before each token, and hashes the instant of each', () => {
    const hashOf = (at: number): number => mix32((at | 0) ^ mix32(Math.floor(at / 2 ** 32)));
    let gapsSeen = 0;
    const property = fc.property(dynamoScripts(60), (script) => {
      const made = run(script);
      const expected = new Map<number, number>();
      for (const times of made.driver.tokens.values()) {
        times.slice(1).forEach((at, i) => {
          const gapUs = at - (times[i] as number);
          expected.set(gapUs, (expected.get(gapUs) ?? 0) + 1);
        });
      }
      expect(made.gaps.sorted()).toEqual([...expected].sort((a, b) => a[0] - b[0]));
      for (const [owner, { tokenHash }] of views(made)) {
        const times = made.driver.tokens.get(owner) ?? [];
        expect(tokenHash).toBe(times.reduce((hash, at) => (hash + hashOf(at)) | 0, 0));
      }
      gapsSeen += expected.size;
    });
    fc.assert(property, { seed: SEED + 3, numRuns: RUNS / 4 });
    expect(gapsSeen).toBeGreaterThan(RUNS / 4);
  });
});
