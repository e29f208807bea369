/**
 * The ring of a changing fleet: every worker owns points under its name, and a key goes to the first of them that is a
 * candidate now. Workers that are down keep their points, so a key returns when its worker does. A worker enters when
 * it is first a candidate, which is soon enough: until then its points would be passed over. It leaves when a discovery
 * omits it. Workers of one name are one place, which the last candidate of that name takes.
 */
import type { FleetView, WorkerView } from '../types.ts';
import { HashRing, ringPoints, type RingPoint } from './hash-ring.ts';

export class WorkerRing {
  /** By worker index: its name in the ring, or undefined. */
  readonly #names: (string | undefined)[] = [];
  /** By worker index: its place in the ring. */
  readonly #places: number[] = [];
  #ring = new HashRing([]);
  /** By place in the ring: position among the candidates, or -1. */
  #slots: number[] = [];
  /** By name, of every worker that was ever in the ring. */
  readonly #points = new Map<string, readonly RingPoint[]>();

  /** The whole set of known workers: the others leave. */
  discovered(workers: readonly number[]): void {
    const known = new Set(workers);
    let left = false;
    for (const worker of this.#names.keys()) {
      if (this.#names[worker] === undefined || known.has(worker)) continue;
      this.#names[worker] = undefined;
      left = true;
    }
    if (left) this.#rebuild();
  }

  /** Index into `candidates` of the key's worker; never -1 for at least one candidate. */
  pick(key: string, candidates: FleetView): number {
    if (candidates.some(({ index, name }) => this.#names[index] !== name)) {
      for (const { index, name } of candidates) this.#names[index] = name;
      this.#rebuild();
    }
    const slots = this.#slots;
    slots.fill(-1);
    for (let i = 0; i < candidates.length; i++) {
      slots[this.#places[(candidates[i] as WorkerView).index] as number] = i;
    }
    const owner = this.#ring.find(key, slots);
    return owner === -1 ? -1 : (slots[owner] as number);
  }

  /** Names by worker index; null where there is none. */
  snapshot(): readonly (string | null)[] {
    return Array.from(this.#names, (name) => name ?? null);
  }

  restore(names: readonly (string | null)[]): void {
    for (const [worker, name] of names.entries()) this.#names[worker] = name ?? undefined;
    this.#rebuild();
  }

  #rebuild(): void {
    const named = this.#names.filter((name) => name !== undefined);
    const places = new Map([...new Set(named)].sort().map((name, place) => [name, place]));
    this.#ring = new HashRing([...places.keys()], (name) => this.#pointsOf(name));
    this.#slots = Array<number>(places.size).fill(-1);
    for (const [worker, name] of this.#names.entries()) {
      if (name !== undefined) this.#places[worker] = places.get(name) as number;
    }
  }

  #pointsOf(name: string): readonly RingPoint[] {
    let points = this.#points.get(name);
    if (points === undefined) this.#points.set(name, (points = ringPoints(name)));
    return points;
  }
}
