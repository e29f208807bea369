/**
 * A gateway and its copy, restored from a snapshot that went through text at any moment of a wild run: from then on
 * both do the same, to the bit, and their next snapshots are equal. Here whole sets of policies together;
 * every-policy.property.test.ts takes the policies one by one.
 */
import fc from 'fast-check';
import { it } from 'vitest';
import { commands, expectCopyGoesOn } from './machine-side.ts';

const policies = fc.record({
  queue: fc.constantFrom<object>(
    ...[{ name: 'fifo', size: 3, timeout: '50us' }, { name: 'none' }, { name: 'codel', size: 4, interval: '1ms' }],
  ),
  capacity: fc.constantFrom<object>(
    ...[{ name: 'fixed', max: 2 }, { name: 'tiers', slotsPerWorker: 2 }, { name: 'aimd', initial: 3, min: 1 }],
  ),
  router: fc.constantFrom<object>(
    ...[{ name: 'round-robin' }, { name: 'power-of-two' }, { name: 'least-load' }, { name: 'least-request' }],
    ...[{ name: 'random' }, { name: 'passthrough' }, { name: 'cache-aware' }],
  ),
  gates: fc.constantFrom<object[]>(
    [{ name: 'concurrency-limit', max: 2 }],
    [{ name: 'breaker', failureThreshold: 2, openFor: '20us', successThreshold: 2 }],
    [{ name: 'breaker', variant: 'smg-2026-08-07', failureThreshold: 2, openFor: '1ms' }, { name: 'busy' }],
    [{ name: 'busy', staleAfter: '30us', refusalHold: '9us' }],
  ),
  retryBudget: fc.constantFrom<object>({ name: 'none' }, { name: 'ratio', minRetries: 1 }),
  retry: fc.constantFrom<object>(
    ...[{ name: 'exponential', maxAttempts: 3, initialBackoff: '1ms', maxBackoff: '1ms' }, { name: 'none' }],
  ),
  timeouts: fc.constantFrom<object>({}, { attempt: '30us' }, { request: '80us', worker: '10us' }),
});

it('goes on from a snapshot as it would have gone on without', () => {
  const drive = fc.record({ policies, before: commands, after: commands });
  fc.assert(
    fc.property(drive, (each) => expectCopyGoesOn(each)),
    { seed: 21, numRuns: 400 },
  );
});
