/**
 * Draws the `faults:` block: any of the kinds that the run's swarm has switched on. Times lie on a grid of tenths of
 * a second, so that ends coincide with each other, with deadlines and with replies. Nothing is drawn that keeps a
 * world from ending: what fails requests or holds them up is over some day.
 */
import fc from 'fast-check';
import { durationText } from './duration-text.ts';
import type { Drawn } from './drawn-workload.ts';

export const FAULT_KINDS = [
  ...['crash', 'errors', 'rate-limit', 'slow', 'hang', 'restart'],
  ...['cut', 'partition', 'drain', 'join', 'skew', 'stall', 'half', 'link'],
] as const;
/** Of disaggregated workers alone. */
const OF_HALVES: ReadonlySet<unknown> = new Set(['half', 'link']);

const pick = fc.constantFrom;
const NEAT = { noNullPrototype: true } as const;
const TENTH_US = 100_000;
const FAULTS_MAX = 12;

/** Up to 40 s, the early more often: many a run is over within seconds, datasets within one. */
const at = fc
  .oneof(...[10, 60, 400].map((max) => fc.integer({ min: 0, max })))
  .map((n) => durationText(n * TENTH_US));
const span = pick('1s', '100ms', '500ms', '3s', '10s');
const worker = fc.oneof({ arbitrary: fc.nat({ max: 7 }), weight: 6 }, { arbitrary: fc.constant('all'), weight: 1 });
const place = { worker, at, for: span };
const kind = (name: (typeof FAULT_KINDS)[number]) => fc.constant(name);
const retryAfter = pick('none', '0s', '2s', '5s');

const KINDS: Readonly<Record<string, fc.Arbitrary<Drawn>>> = {
  crash: fc.record({ kind: kind('crash'), ...place }, NEAT),
  errors: fc.record(
    { kind: kind('errors'), ...place, ratio: pick(1, 0.5, 0.1), status: pick(503, 500, 429, 400), retryAfter },
    NEAT,
  ),
  'rate-limit': fc.record({ kind: kind('rate-limit'), ...place, ratio: pick(1, 0.5), retryAfter }, NEAT),
  slow: fc.record({ kind: kind('slow'), ...place, factor: pick(2, 10, 0.5) }, NEAT),
  hang: fc.record({ kind: kind('hang'), ...place, scope: pick('process', 'engine') }, NEAT),
  restart: fc.record({ kind: kind('restart'), worker, at, load: span }, NEAT),
  cut: fc.record({ kind: kind('cut'), ...place, ratio: pick(1, 0.3), after: pick(1, 5) }, NEAT),
  partition: fc.record(
    {
      kind: kind('partition'),
      ...place,
      loses: fc.subarray(['requests', 'reports', 'probes'], { minLength: 1 }),
    },
    NEAT,
  ),
  drain: fc.record({ kind: kind('drain'), ...place, bound: pick('0s', '100ms'), load: pick('0s', '1s') }, NEAT),
  join: fc.record({ kind: kind('join'), worker: fc.nat({ max: 7 }), at, load: pick('0s', '1s') }, NEAT),
  skew: fc.record({ kind: kind('skew'), ...place, ahead: pick('100ms', '5s') }, NEAT),
  half: fc.record({ kind: kind('half'), ...place, side: pick('prefill', 'decode') }, NEAT),
  link: fc.record({ kind: kind('link'), ...place, factor: pick(0, 0.1, 0.01) }, NEAT),
  stall: fc.record(
    { kind: kind('stall'), at, for: pick('100ms', '10ms', '1s'), host: pick('gateway', 'builder') },
    NEAT,
  ),
};

/** Any number of faults of these kinds; each says which workers it means by a number to be taken modulo the fleet. */
export function faultsArbitrary(kinds: readonly string[]): fc.Arbitrary<readonly Drawn[]> {
  const [first, ...others] = kinds.map((name) => KINDS[name] as fc.Arbitrary<Drawn>);
  if (first === undefined) return fc.constant([]);
  const one = fc.oneof({ withCrossShrink: true }, first, ...others);
  return fc.array(one, { maxLength: FAULTS_MAX, size: 'max' });
}

/**
 * The faults, each at a worker that there is; a worker joins once, and what befalls halves befalls those that have
 * them. `halved`: by worker, whether it does.
 */
export function placedFaults(faults: readonly Drawn[], halved: readonly boolean[]): Drawn[] {
  const joining = new Set<number>();
  const places = halved.flatMap((isHalved, worker) => (isHalved ? [worker] : []));
  return faults.flatMap((fault) => {
    const { kind: what, worker: drawn } = fault;
    if (OF_HALVES.has(what)) {
      const place = typeof drawn === 'number' ? places[drawn % Math.max(1, places.length)] : undefined;
      if (places.length === 0) return [];
      return [{ ...fault, worker: place ?? places }];
    }
    if (typeof drawn !== 'number') return [fault];
    const placed = drawn % Math.max(1, halved.length);
    if (what === 'join') {
      if (joining.has(placed)) return [];
      joining.add(placed);
    }
    return [{ ...fault, worker: placed }];
  });
}
