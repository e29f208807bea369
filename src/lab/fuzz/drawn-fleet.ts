/**
 * Draws the `fleet:` block: a few workers, of slots with service times, of engines with little memory, or of prefill
 * and decode engines with a link between them.
 */
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

const half = fc.record({ count: pick(1, 2), engine }, NEAT);
/** A prompt of a hundred tokens takes a millisecond to a quarter of a second. */
const link = fc.record(
  {
    bandwidth: pick(64, 1, 0.05),
    latency: pick('0s', '10ms'),
    sends: pick('missing', 'all'),
    concurrent: pick<unknown>('none', 1),
    maxWaiting: pick<unknown>('none', 0, 2),
    timeout: pick('3s', '100ms', '10s'),
  },
  { requiredKeys: ['timeout'], ...NEAT },
);
const disaggregated = fc.record(
  { prefill: half, decode: half, link, firstToken: pick('decode', 'prefill') },
  { requiredKeys: ['link'], ...NEAT },
);

const group = fc.oneof(
  { withCrossShrink: true },
  { arbitrary: fc.record({ count, endpoint }, NEAT), weight: 4 },
  { arbitrary: fc.record({ count, engine }, NEAT), weight: 4 },
  { arbitrary: fc.record({ count, disaggregated }, NEAT), weight: 1 },
);

export const fleetArbitrary: fc.Arbitrary<readonly Drawn[]> = fc.array(group, {
  minLength: 1,
  maxLength: 2,
  size: 'max',
});

/** Workers of a fleet as written; one that is no list has none. */
export function workersOf(fleet: unknown): number {
  return halvesOf(fleet).length;
}

/** By worker, whether it has two halves. */
export function halvesOf(fleet: unknown): boolean[] {
  if (!Array.isArray(fleet)) return [];
  return fleet.flatMap((each: unknown) => {
    const { count: workers = 1, disaggregated: two } = (each ?? {}) as { count?: unknown; disaggregated?: unknown };
    return new Array<boolean>(typeof workers === 'number' ? workers : 0).fill(two !== undefined);
  });
}
