/** Draws the `fleet:` block: a few workers, of slots with service times or of engines with little memory. */
import fc from 'fast-check';
import type { Drawn } from './drawn-workload.ts';

const pick = fc.constantFrom;
const NEAT = { noNullPrototype: true } as const;

const count = fc.integer({ min: 1, max: 4 });

const endpoint = fc.record(
  {
    maxRunning: fc.integer({ min: 1, max: 8 }),
    maxWaiting: pick<unknown>('none', 0, 2),
    service: pick<unknown>(
      // First what keeps a slot busy while others come: shrinking goes there.
      '1s',
      '100ms',
      '10ms',
      { dist: 'exponential', mean: '100ms', max: '10s' },
      { dist: 'lognormal', mean: '500ms', cv: 1, max: '10s' },
    ),
  },
  { requiredKeys: ['maxRunning', 'service'], ...NEAT },
);

const engine = fc.record(
  {
    maxRunning: pick(16, 1, 4),
    maxBatchedTokens: pick(512, 64, 2048),
    // A pool of one to a few of the largest sequences, so that some must give way.
    blocks: pick(256, 64, 80),
    blockTokens: fc.constant(16),
    maxModelTokens: pick<unknown>('none', 400),
    maxWaiting: pick<unknown>('none', 1, 4),
    chunkedPrefill: pick(true, true, false),
    prefixCache: fc.boolean(),
    timing: fc.record({ base: pick('10ms', '2ms', '30ms'), perToken: pick('30us', '0.5ms') }, NEAT),
  },
  { requiredKeys: ['maxRunning', 'maxBatchedTokens', 'blocks'], ...NEAT },
);

const group = fc.oneof(
  { withCrossShrink: true },
  fc.record({ count, endpoint }, NEAT),
  fc.record({ count, engine }, NEAT),
);

export const fleetArbitrary: fc.Arbitrary<readonly Drawn[]> = fc.array(group, {
  minLength: 1,
  maxLength: 2,
  size: 'max',
});

/** Workers of a fleet as written; one that is no list has none. */
export function workersOf(fleet: unknown): number {
  if (!Array.isArray(fleet)) return 0;
  return fleet.reduce((sum: number, each: unknown) => {
    const { count: workers = 1 } = (each ?? {}) as { count?: unknown };
    return sum + (typeof workers === 'number' ? workers : 0);
  }, 0);
}
