/**
 * Worlds around a scenario: the same document with its numbers moved by factors. What is drawn are the world's own
 * figures (fleet, load, faults, delays, patience); policies, objectives, expectations and what is asked of the run
 * stay, so that it is the repaired policies that meet other circumstances.
 *
 * Numbers of one mapping move together, durations by one factor and other numbers by another: a fault keeps its shape
 * (`every` stays above `for`), a distribution its `min` below its `max`. The factor is log-uniform from 1/F to F;
 * load lasts no longer than written, so that a world is not much dearer than its scenario. Ratios stay at most 1. A
 * moved document may still be refused, as any written by hand; who draws takes the next then.
 */
import { stream } from '../../kernel/rng.ts';
import type { Rng } from '../../kernel/rng.ts';
import { isDuration, type Json, type JsonMapping, timesDuration, timesNumber } from './document-numbers.ts';

const FACTOR = 2;
/** Blocks whose numbers move. */
const MOVED: readonly string[] = [
  'fleet',
  'network',
  'reports',
  'health',
  'host',
  'workload',
  'clientTimeout',
  'faults',
];
/** Keys that are indices, kinds of text or counts of times, or say what a reply means. */
const KEPT: ReadonlySet<string> = new Set(['worker', 'draw', 'of', 'times', 'status', 'groups', 'block', 'priority']);
/** Keys of numbers that are portions of one. */
const RATIOS: ReadonlySet<string> = new Set(['ratio', 'share', 'loss', 'duplicates', 'active', 'fires']);
/** Keys of durations that only become shorter: how long load lasts. */
const SHORTENED: ReadonlySet<string> = new Set(['duration']);

/** The document of draw `index`; equal seeds and indices give equal documents. */
export function neighbour(document: JsonMapping, seed: number, index: number): unknown {
  const rng = stream(seed, `neighbour/${index}`);
  const moved = MOVED.filter((block) => document[block] !== undefined).map((block) => {
    return [block, movedValue(document[block] as Json, block, new Factors(rng))] as const;
  });
  return { ...document, ...Object.fromEntries(moved), seed: Math.floor(rng() * 2 ** 31) };
}

/** Of one mapping: drawn in the order in which they are first needed. */
class Factors {
  readonly rng: Rng;
  #ofDurations: number | undefined;
  #ofNumbers: number | undefined;

  constructor(rng: Rng) {
    this.rng = rng;
  }

  get ofDurations(): number {
    return (this.#ofDurations ??= this.#drawn());
  }

  get ofNumbers(): number {
    return (this.#ofNumbers ??= this.#drawn());
  }

  #drawn(): number {
    return FACTOR ** (2 * this.rng() - 1);
  }
}

function movedValue(value: Json, key: string, factors: Factors): Json {
  if (KEPT.has(key)) return value;
  if (Array.isArray(value)) return value.map((member: Json) => movedValue(member, key, factors));
  if (typeof value === 'number') return movedNumber(value, key, factors.ofNumbers);
  if (typeof value === 'string') {
    if (!isDuration(value)) return value;
    return timesDuration(value, SHORTENED.has(key) ? Math.min(1, factors.ofDurations) : factors.ofDurations);
  }
  if (typeof value !== 'object' || value === null) return value;
  const own = new Factors(factors.rng);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, movedValue(member, name, own)]));
}

function movedNumber(value: number, key: string, factor: number): number {
  return RATIOS.has(key) ? Math.min(1, value * factor) : timesNumber(value, factor);
}
