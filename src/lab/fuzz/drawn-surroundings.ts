/** Draws the smaller blocks of a scenario: network, reports, health check, host, patience, timeouts, test mode. */
import fc from 'fast-check';

const pick = fc.constantFrom;
const NEAT = { noNullPrototype: true } as const;
const some = { requiredKeys: [], ...NEAT };

const latency = pick<unknown>('0us', '1ms', '20ms', { dist: 'uniform', min: '0us', max: '20ms' });
const cost = pick('0us', '100us', '1ms');

/** By name of the block; `timeouts` is that of `policies`, and `recovery` is written by what builds such a world. */
export const surroundings = {
  network: fc.record({ client: latency, worker: latency }, some),
  reports: fc.record(
    {
      every: pick('1s', '500ms', '5s', 'none'),
      delay: pick<unknown>('0us', { dist: 'uniform', min: '0us', max: '3s' }),
      loss: pick(0, 0.4, 1),
      duplicates: pick(0, 0.5),
      stamps: pick('gateway', 'worker'),
    },
    some,
  ),
  health: fc.record({ detection: pick('1s', '0s', '5s', 'none') }, NEAT),
  host: fc.record({ input: cost, selection: cost, bookkeeping: cost, queued: pick('0us', '10us'), start: cost }, some),
  clientTimeout: pick('10s', '2s', '500ms'),
  timeouts: fc.record(
    { request: pick('30s', '5s', '1s'), attempt: pick('10s', '3s', '500ms'), worker: pick('5s', '1s', '100ms', '0s') },
    some,
  ),
  testMode: fc.record(
    {
      ties: fc.constant('shuffled'),
      wakeDelay: pick('1ms', '100ms'),
      cancelDelay: pick('10ms', '2s'),
      check: pick(false, false, false, true),
    },
    some,
  ),
} as const;
