import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eagerRun } from './eager-model.ts';
import { dynamoLoads, type DynamoScript } from './scripts.ts';
import { planned } from './shapes.ts';

const RUNS = Number(process.env['SPILLWAY_RUNS'] ?? 2000);
const SEED = Number(process.env['SPILLWAY_SEED'] ?? 20260811);

/** In the order in which the world hands them over: by instant, then by phase, then as they were planned. */
function ordered(commands: DynamoScript['commands']): DynamoScript['commands'] {
  const phase = (command: (typeof commands)[number]): number => ('phase' in command ? command.phase : 0);
  return [...commands].sort((a, b) => a.at - b.at || phase(a) - phase(b));
}

describe('DynamoEngine', () => {
  it('has the exact token times of a model that carries out passes at their start', () => {
    const met = { preemptions: 0, evictions: 0, reused: 0, tokens: 0, cancelled: 0, refused: 0, skipped: 0, idle: 0 };
    const property = fc.property(dynamoLoads(40), ({ config, commands }) => {
      const run = planned(config, commands);
      run.driver.run();
      const model = eagerRun(config, ordered(commands));
      const finished = run.driver.log.filter(([kind]) => kind === 'finished');
      expect(finished.map(([, at, owner]) => [owner, at])).toEqual([...model.finishedAt]);
      for (const [owner, times] of model.tokens) expect(run.engine.tokens.get(owner) ?? []).toEqual(times);
      for (const [, , owner, view] of finished) {
        const { cachedTokens } = JSON.parse(String(view)) as { cachedTokens: number };
        expect(cachedTokens).toBe(model.reused.get(owner as number));
      }
      const { totals, evictions, idleBlocks } = run.engine;
      const { preemptions, evictions: evicted, idle } = model;
      expect({ preemptions: totals.preemptions, evictions, idleBlocks }).toEqual({
        preemptions, evictions: evicted, idleBlocks: idle,
      });
      met.preemptions += preemptions;
      met.evictions += evicted;
      met.reused += [...model.reused.values()].reduce((sum, each) => sum + each, 0);
      met.tokens += [...model.tokens.values()].reduce((sum, times) => sum + times.length, 0);
      met.cancelled += model.cancelled.length;
      met.refused += model.refused.length;
      met.skipped += model.skipped;
      met.idle += idle;
    });
    fc.assert(property, { seed: SEED, numRuns: RUNS });
    if (process.env['SPILLWAY_COVERAGE'] !== undefined) console.log(met);
    for (const count of Object.values(met)) expect(count).toBeGreaterThan(RUNS / 20);
  });
});
