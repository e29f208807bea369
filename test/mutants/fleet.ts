/** Wrong observers of the fleet: capacity, breakers, busy thresholds, health probes. */
import { Breaker } from '../../policies/breaker/breaker.ts';
import type { BreakerConfig } from '../../policies/breaker/config.ts';
import { Busy } from '../../policies/busy/busy.ts';
import type { BusyConfig } from '../../policies/busy/config.ts';
import type { TiersConfig } from '../../policies/capacity/config.ts';
import { Tiers } from '../../policies/capacity/tiers.ts';
import type { ProbesConfig } from '../../policies/health/config.ts';
import { Probes } from '../../policies/health/probes.ts';
import type { Health } from '../../policies/health/types.ts';
import type { CapacitySource } from '../../policies/types.ts';
import { type BreakerGate, breakerProperty } from '../harness/policies/breaker-property.ts';
import { busyProperty, hungProbesProperty, silenceProperty } from '../harness/policies/busy-property.ts';
import { probesProperty } from '../harness/policies/probes-property.ts';
import { sickFleetProperty, tiersProperty } from '../harness/policies/tiers-property.ts';
import { edit, edited, type Family, family } from './family.ts';

/** A channel that drops what is sent while nobody subscribes, as tokio's `watch` does; nobody does here. */
class WatchedTiers extends Tiers {
  readonly #subscribers: (() => void)[] = [];
  #sent: { readonly capacity: number; readonly source: CapacitySource };

  constructor(config: TiersConfig) {
    super(config);
    this.#sent = { capacity: super.current(), source: super.source() };
  }

  override current(): number {
    if (this.#subscribers.length > 0) this.#sent = { capacity: super.current(), source: super.source() };
    return this.#sent.capacity;
  }

  override source(): CapacitySource {
    return this.#sent.source;
  }
}

/** Reads the fleet once, when it is made. */
class FrozenTiers extends Tiers {
  readonly #first: number;

  constructor(config: TiersConfig) {
    super(config);
    this.#first = super.current();
  }

  override current(): number {
    return this.#first;
  }
}

function wrongTiers(from: string, to: string) {
  const Wrong = edited<typeof Tiers>('capacity/tiers.ts', 'Tiers', edit('capacity/tiers.ts', from, to));
  return (config: TiersConfig) => new Wrong(config);
}

const real = (config: TiersConfig) => new Tiers(config);

const capacities = family('capacity equals its model', tiersProperty, real, [
  {
    name: 'a value is lost that nobody was subscribed to (watch channel)',
    make: (config) => new WatchedTiers(config),
    ...{ runs: 40, commands: 4 },
  },
  {
    name: 'the capacity of start-up stays (smg defect 15)',
    make: (config) => new FrozenTiers(config),
    ...{ runs: 40, commands: 4 },
  },
  {
    name: 'the sum wraps at 16 bits instead of saturating',
    make: wrongTiers(
      'capacity: Math.min(sum + silentCount * settings.slotsPerWorker, CAPACITY_MAX)',
      'capacity: (sum + silentCount * settings.slotsPerWorker) % (CAPACITY_MAX + 1)',
    ),
    ...{ runs: 100, commands: 8 },
  },
  {
    name: 'a change of the source alone is not noticed',
    make: wrongTiers(
      'next.capacity === this.#answer.capacity && next.source === this.#answer.source',
      'next.capacity === this.#answer.capacity',
    ),
    ...{ runs: 100, commands: 8 },
  },
  {
    name: 'a report that is too large counts as none (smg defect 11)',
    make: (config) => new Tiers({ ...config, whenTooLarge: 'not-reported' }),
    ...{ runs: 400, commands: 5 },
  },
]);

const sickFleets = family('a loss of health raises no capacity', sickFleetProperty, real, [
  {
    name: 'a fleet gone unhealthy gets the legacy limit (smg defect 10)',
    make: (config) => new Tiers({ ...config, whenNoneHealthy: 'legacy' }),
    ...{ runs: 100, commands: 6 },
  },
]);

function wrongBreaker(from: string, to: string) {
  const change = edit('breaker/fenced-circuit.ts', from, to);
  const Wrong = edited<typeof Breaker>('breaker/breaker.ts', 'Breaker', change);
  return (config: BreakerConfig) => new Wrong(config);
}

const breakers = family(
  'breaker',
  (make: (config: BreakerConfig) => BreakerGate) => breakerProperty(make),
  (config) => new Breaker(config),
  [
    {
      name: 'a probe that is never answered wedges the circuit half-open',
      make: (config) => new Breaker({ ...config, probeTimeout: Infinity }),
      ...{ runs: 100, commands: 8 },
    },
    {
      name: 'a cancelled probe leaves its place taken',
      make: wrongBreaker(
        "if (!isProbe || evidence === 'neutral') break;",
        "if (isProbe && evidence === 'neutral') state.places.set(attemptId, Infinity);\n" +
          "        if (!isProbe || evidence === 'neutral') break;",
      ),
      ...{ runs: 1500, commands: 14 },
    },
    {
      name: 'a 429 is a failure of the worker (smg defect 4)',
      make: (config) => new Breaker({ ...config, failureStatuses: [...config.failureStatuses, 429] }),
      ...{ runs: 100, commands: 8 },
    },
    {
      name: 'a reply from before the outage counts',
      make: wrongBreaker('attemptId > state.fence && evidence', 'attemptId >= 0 && evidence'),
      ...{ runs: 200, commands: 6 },
    },
    {
      name: 'half-open lets everyone through, runs of failures have no age (smg)',
      make: (config) => new Breaker({ ...config, machine: 'lazy' }),
      ...{ runs: 40, commands: 8 },
    },
  ],
);

/** Forgets everyone at each discovery, as Dynamo's first monitor did with its list of free workers. */
class ForgetfulBusy extends Busy {
  override discovered(now: number, workers: readonly number[]): void {
    super.discovered(now, []);
    super.discovered(now, workers);
  }
}

function wrongMonitor(from: string, to: string) {
  const Wrong = edited<typeof Busy>('busy/busy.ts', 'Busy', edit('busy/value-monitor.ts', from, to));
  return (config: BusyConfig) => new Wrong(config);
}

const busyness = family('busy equals its model', busyProperty, (config) => new Busy(config), [
  {
    name: 'a discovery resets the busy list (Dynamo H1)',
    make: (config) => new ForgetfulBusy(config),
    ...{ runs: 100, commands: 6 },
  },
  {
    name: 'one busy rank makes the worker busy',
    make: wrongMonitor('if (now < overUntil) continue;', "if (now < overUntil) return 'busy';"),
    ...{ runs: 200, commands: 6 },
  },
]);

const silence = family('no worker is stuck in silence', silenceProperty, (config) => new Busy(config), [
  {
    name: 'evidence has no age: busy for ever once reports stop (Dynamo H3, H4)',
    make: (config) => new Busy({ ...config, staleAfter: Infinity }),
    ...{ runs: 100, commands: 6 },
  },
  {
    name: 'a latch that only a report clears (Dynamo U16)',
    make: (config) => new Busy({ ...config, model: 'latch', decodeRatioMax: 0.9 }),
    ...{ runs: 100, commands: 6 },
  },
]);

const hungProbes = family('hung probes shut nobody', hungProbesProperty, (config) => new Busy(config), [
  {
    name: 'a probe that hangs is the last',
    make: wrongMonitor('state.probeAt = now + this.#staleAfter;', 'state.probeAt = Infinity;'),
    ...{ runs: 100, commands: 6 },
  },
]);

function wrongProbes(from: string, to: string) {
  const Wrong = edited<typeof Probes>('health/probes.ts', 'Probes', edit('health/probes.ts', from, to));
  return (config: ProbesConfig): Health => new Wrong(config);
}

const health = family('health probes', probesProperty, (config): Health => new Probes(config), [
  {
    name: 'the answer of a replaced worker counts for its successor',
    make: wrongProbes('if (known?.probe !== probe) return undefined;', 'if (known === undefined) return undefined;'),
    ...{ runs: 200, commands: 6 },
  },
  {
    name: 'a worker that left keeps its turn',
    make: wrongProbes('.delete(worker);\n    this.#due.delete(worker);\n', '.delete(worker);\n'),
    ...{ runs: 100, commands: 6 },
  },
]);

export const fleetFamilies: readonly Family[] = [
  ...[capacities, sickFleets, breakers, busyness, silence, hungProbes, health],
];
