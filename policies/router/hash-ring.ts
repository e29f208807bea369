/**
 * A consistent-hash ring: each name owns 150 points, a key belongs to the first point at or after its own position.
 * When a name leaves, only its keys move (about 1 in n), each to the next point's owner; when it returns, they return.
 * 150 points keep a share within some 8 % of the mean. Positions are the first eight bytes of BLAKE3, little-endian,
 * as in smg worker/hash_ring.rs at 73da68ca9, so both gateways agree when the names are the workers' URLs.
 */
import { blake3 } from '@noble/hashes/blake3.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { Word64 } from './word64.ts';

const POINTS_PER_NAME = 150;

/** Where a key or the name of a point stands on the ring. */
export function ringPosition(key: string): Word64 {
  const digest = blake3(utf8ToBytes(key));
  const view = new DataView(digest.buffer, digest.byteOffset);
  return new Word64(view.getUint32(4, true), view.getUint32(0, true));
}

/** Without a ring: the key's position modulo the usable workers. `count` from 1 to 2^20. */
export function positionModulo(key: string, count: number): number {
  return ringPosition(key).modulo(count);
}

/** The points of a name: a position that knows its name. Making them costs 150 hashes, so who rebuilds keeps them. */
export function ringPoints(name: string): readonly RingPoint[] {
  return Array.from({ length: POINTS_PER_NAME }, (_, i) => {
    const { high, low } = ringPosition(`${name}#${i}`);
    return { high, low, name };
  });
}

export interface RingPoint {
  readonly high: number;
  readonly low: number;
  readonly name: string;
}

export class HashRing {
  readonly #points: readonly RingPoint[];
  /** Index of the name that owns each point. */
  readonly #owners: readonly number[];

  constructor(names: readonly string[], pointsOf: (name: string) => readonly RingPoint[] = ringPoints) {
    this.#points = names.flatMap(pointsOf).sort((a, b) => a.high - b.high || a.low - b.low);
    const indexes = new Map(names.map((name, index) => [name, index]));
    this.#owners = this.#points.map(({ name }) => indexes.get(name) as number);
  }

  /** Index of the name that owns the key among those with `usable[index] >= 0`, or -1 when there is none. */
  find(key: string, usable: ArrayLike<number>): number {
    const points = this.#points;
    const { high, low } = ringPosition(key);
    let from = 0;
    let to = points.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const point = points[middle] as RingPoint;
      if (point.high < high || (point.high === high && point.low < low)) from = middle + 1;
      else to = middle;
    }
    for (let step = 0; step < points.length; step++) {
      const owner = this.#owners[(from + step) % points.length] as number;
      if ((usable[owner] as number) >= 0) return owner;
    }
    return -1;
  }
}
