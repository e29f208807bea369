/**
 * A smaller world of the same load, for trying many: arrivals, places and bounds of lines shrink by one factor, and a
 * gateway's own CPU slows by it, so that each place is as busy as before and each line as long for its places. Only
 * fleets of endpoints are thinned: what an engine can do does not grow with its places.
 *
 * What changes is chance: a small fleet sees larger swings, which makes it no kinder to a policy.
 */
import type { ArrivalsConfig, BoundsConfig } from '../../workload/config.ts';
import type { ParsedScenario } from '../scenario-schema.ts';
import { workloadConfig } from '../workload-config.ts';
import { type Json, type JsonMapping, timesDuration, timesNumber } from './document-numbers.ts';

/** Requests of an open loop at most, those that clients send again not counted, and users of a closed one. */
const REQUESTS = 2_000;
const USERS = 200;
const US_PER_SEC = 1e6;

/** Keys that shrink, by block. */
const SHRINKING: readonly (readonly [block: string, keys: readonly string[]])[] = [
  ['fleet', ['maxRunning', 'maxWaiting']],
  ['workload', ['rate', 'to', 'size', 'users', 'requests']],
  ['policies', ['max', 'override', 'legacyMaxConcurrent', 'size', 'queueSize']],
];
/** The block whose durations grow. */
const SLOWED = 'host';

/** The document with so few requests; itself when it has no more. `parsed` is the same scenario, checked. */
export function thinned(document: JsonMapping, parsed: ParsedScenario): JsonMapping {
  const factor = factorOf(parsed);
  if (factor === 1) return document;
  const smaller = SHRINKING.map(([block, keys]) => {
    const shrink = (value: Json, key: string): Json => {
      return typeof value === 'number' && keys.includes(key) ? timesNumber(value, factor) : value;
    };
    return [block, mapped(document[block] ?? {}, '', shrink)] as const;
  });
  const slow = (value: Json): Json => (typeof value === 'string' ? timesDuration(value, 1 / factor) : value);
  return { ...document, ...Object.fromEntries(smaller), [SLOWED]: mapped(document[SLOWED] ?? {}, '', slow) };
}

function factorOf({ fleet, workload }: ParsedScenario): number {
  const config = workloadConfig(workload, '');
  if (!fleet.every(({ endpoint }) => endpoint !== undefined)) return 1;
  if (config?.kind === 'closed') return Math.min(1, USERS / config.users);
  return config?.kind === 'open' ? Math.min(1, REQUESTS / expectedRequests(config.arrivals, config)) : 1;
}

/** Of an open loop; infinite when nothing but the bound of another kind ends it. */
function expectedRequests(arrivals: ArrivalsConfig, { durationUs, requests }: BoundsConfig): number {
  const seconds = durationUs / US_PER_SEC;
  switch (arrivals.process) {
    case 'phases': {
      const each = arrivals.phases.map(({ forUs, fromPerSec, toPerSec }) => {
        return ((fromPerSec + toPerSec) / 2) * (forUs / US_PER_SEC);
      });
      return Math.min(requests, each.reduce((sum, count) => sum + count, 0));
    }
    case 'bursts': {
      const bursts = arrivals.everyUs === Infinity ? 1 : Math.ceil((durationUs - arrivals.firstAt) / arrivals.everyUs);
      const background = arrivals.ratePerSec === 0 ? 0 : arrivals.ratePerSec * seconds;
      return Math.min(requests, background + bursts * arrivals.burstSize);
    }
    case 'poisson':
    case 'constant':
    case 'gamma':
      return Math.min(requests, arrivals.ratePerSec * seconds);
    default:
      return arrivals satisfies never;
  }
}

/** The value with every leaf in it as `change` answers for it and its key; members of lists have the list's key. */
function mapped(value: Json, key: string, change: (leaf: Json, key: string) => Json): Json {
  if (Array.isArray(value)) return value.map((member: Json) => mapped(member, key, change));
  if (typeof value !== 'object' || value === null) return change(value, key);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, mapped(member, name, change)]));
}
