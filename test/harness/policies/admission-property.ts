/** What request admission keeps under any commands, and how it shares an endpoint between those who always wait. */
import fc from 'fast-check';
import type { AdaptiveAdmission } from '../../../policies/admission/adaptive-admission.ts';
import type { RequestAdmissionConfig } from '../../../policies/admission/config.ts';
import type { RequestLease } from '../../../policies/admission/types.ts';
import { HISTORIC, REPAIRED, resource, takeAll } from '../../policies/admission/keepers.ts';
import { commands, settings, World } from '../../policies/admission/world.ts';
import { claim, claimEqual } from '../claim.ts';

type Turns = readonly [chat: number, embedding: number];
type Make = (config: RequestAdmissionConfig) => AdaptiveAdmission;

/** Caps, deadlines, counts and cool-downs hold, no place idles, nothing is left over, and every limit recovers. */
export function admissionProperty(make: Make) {
  return fc.property(settings, commands, (config, steps) => {
    const world = new World(config, make(config));
    for (const step of steps) world.apply(step);
    world.finish();
    claimEqual(world.keeper.held(), { waiting: 0, leased: 0 }, 'held at the end');
    claimEqual(world.keeper.nextWakeAt(), Infinity, 'next wake at the end');
    world.recover();
  });
}

/** The same happens whether it is woken when it asks or at every instant. */
export function spuriousWakeProperty(make: Make) {
  return fc.property(settings, commands, (config, steps) => {
    const asked = new World(config, make(config));
    const often = new World(config, make(config), true);
    for (const step of steps) {
      asked.apply(step);
      often.apply(step);
    }
    claimEqual(often.log, asked.log, 'what happened');
    claimEqual(often.keeper.snapshots(often.now), asked.keeper.snapshots(asked.now), 'what is known');
  });
}

const DOMAINS = [resource('chat'), resource('embedding')] as const;

/** Two resources of one endpoint, somebody always waiting for each: neither gets ahead by more than a turn. */
export function admissionFairnessProperty(make: Make) {
  const given = fc.record({
    base: fc.constantFrom(REPAIRED, HISTORIC),
    cap: fc.integer({ min: 1, max: 4 }),
    weights: fc.tuple(fc.constantFrom(1, 2, 5), fc.constantFrom(1, 2, 5)),
  });
  const releases = fc.array(fc.nat({ max: 3 }), { maxLength: 60, size: 'max' });
  return fc.property(given, releases, ({ base, cap, weights }, ends) => {
    const resources = DOMAINS.map((domain, i) => ({ ...domain, weight: weights[i] as number }));
    const keeper = make({ ...base, resources });
    keeper.register(0, 'p', 'm', 'a', cap);
    const out: RequestLease[] = [];
    let turns: Turns = [0, 0];
    const serve = () => {
      for (const effect of takeAll(keeper)) {
        if (effect.kind !== 'granted') throw new Error(`nobody is ${effect.kind} here`);
        out.push(effect.lease);
        turns = effect.lease.resource.domain === 'chat' ? [turns[0] + 1, turns[1]] : [turns[0], turns[1] + 1];
      }
    };
    // More of each than can be served, so that there is somebody to choose from at every release.
    for (let item = 0; item < 4 * (cap + ends.length); item++) keeper.acquire(0, item, pick(item), Infinity);
    serve();
    turns = [0, 0];
    for (const nth of ends) {
      const [lease] = out.splice(nth % out.length, 1) as [RequestLease];
      keeper.release(0, lease, 'success');
      serve();
      claimEqual(out.length, cap, 'places in use');
      claimShares(turns, weights);
    }
  });
}

function pick(item: number) {
  return DOMAINS[item % 2] as (typeof DOMAINS)[number];
}

/** The first places go to whoever asks first, which may be one turn more of the one that had to wait. */
function claimShares([chat, embedding]: Turns, [a, b]: readonly [number, number]): void {
  const ahead = chat / a - embedding / b;
  claim(ahead <= 2 / a + 1 / b + 1e-9, 'chat is ahead by more than a turn', chat, embedding);
  claim(-ahead <= 2 / b + 1 / a + 1e-9, 'embedding is ahead by more than a turn', chat, embedding);
}
