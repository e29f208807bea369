/**
 * The ring of a changing fleet: every known worker owns points under the name `worker-<index>`, and a key goes to the
 * first of them that is a candidate now. Workers that are down keep their points, so a key returns when its worker
 * does. A worker enters when it is discovered or first seen as a candidate, and leaves when a discovery omits it.
 *
 * Limit: the port shows an index and no URL, so a fleet that renumbers its workers moves keys.
 */
import type { FleetView } from '../types.ts';
import { HashRing, ringPoints, type RingPoint } from './hash-ring.ts';

export class WorkerRing {
  /** Worker index by place in the ring, ascending. */
  #workers: number[] = [];
  #ring = new HashRing([]);
  /** By place in the ring: position among the candidates, or -1. */
  readonly #slots: number[] = [];
  /** Place in the ring by worker index. */
  readonly #places = new Map<number, number>();
  /** By name, of every worker that was ever in the ring. */
  readonly #points = new Map<string, readonly RingPoint[]>();

  /** The whole set of known workers. */
  discovered(workers: readonly number[]): void {
    this.#rebuild([...new Set(workers)]);
  }

  /** Index into `candidates` of the key's worker; never -1 for at least one candidate. */
  pick(key: string, candidates: FleetView): number {
    const slots = this.#slots;
    slots.fill(-1);
    for (let i = 0; i < candidates.length; i++) {
      const { index } = candidates[i] as FleetView[number];
      const place = this.#places.get(index);
      if (place === undefined) {
        this.#rebuild([...this.#workers, ...candidates.map((worker) => worker.index)]);
        return this.pick(key, candidates);
      }
      slots[place] = i;
    }
    const owner = this.#ring.find(key, slots);
    return owner === -1 ? -1 : (slots[owner] as number);
  }

  #rebuild(workers: readonly number[]): void {
    const sorted = [...new Set(workers)].sort((a, b) => a - b);
    if (sorted.length === this.#workers.length && sorted.every((worker, i) => worker === this.#workers[i])) return;
    this.#workers = sorted;
    this.#ring = new HashRing(
      sorted.map((worker) => `worker-${worker}`),
      (name) => this.#pointsOf(name),
    );
    this.#places.clear();
    for (const [place, worker] of sorted.entries()) this.#places.set(worker, place);
    this.#slots.length = 0;
    for (let i = 0; i < sorted.length; i++) this.#slots.push(-1);
  }

  #pointsOf(name: string): readonly RingPoint[] {
    let points = this.#points.get(name);
    if (points === undefined) this.#points.set(name, (points = ringPoints(name)));
    return points;
  }
}
