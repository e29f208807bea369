import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commands, settings, World } from './world.ts';

const SEED = 7250730;
const RUNS = Number(process.env['SPILLWAY_RUNS'] ?? 2000);

describe('AdaptiveAdmission under any list of inputs', () => {
  it('keeps its caps, deadlines and counts, leaves no place idle, and holds nothing when all is given back', () => {
    const property = fc.property(settings, commands, (config, steps) => {
      const world = new World(config);
      for (const step of steps) world.apply(step);
      world.finish();
      expect(world.keeper.held()).toEqual({ waiting: 0, leased: 0 });
      expect(world.keeper.nextWakeAt()).toBe(Infinity);
    });
    fc.assert(property, { seed: SEED, numRuns: RUNS });
  });

  it('does the same whether it is woken when it asks or at every instant', () => {
    const property = fc.property(settings, commands, (config, steps) => {
      const asked = new World(config);
      const often = new World(config, true);
      for (const step of steps) {
        asked.apply(step);
        often.apply(step);
      }
      expect(often.log).toEqual(asked.log);
      expect(often.keeper.snapshots(often.now)).toEqual(asked.keeper.snapshots(asked.now));
    });
    fc.assert(property, { seed: SEED, numRuns: RUNS });
  });
});
