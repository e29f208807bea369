/**
 * Randomness, all of it seeded and named. Two kinds:
 *
 * - `stream(seed, name)`: a sequence owned by one consumer (arrivals, a router's ties, one fault). Draws in one place
 *   shift no other place.
 * - `Keyed`: counter-based draws addressed by (stream, a, b), so that request 17's second attempt meets the same
 *   service noise whatever a policy did before it. Two policies then meet the same world: common random numbers.
 *
 * Streams use seedrandom's Alea, whose seeds may be any string; its xor128, xorwow and xorshift7 give correlated
 * streams for similar names. Keyed draws mix the words with the finalizer of MurmurHash3 (public domain, A. Appleby)
 * over two lanes.
 */
import seedrandom from 'seedrandom';

/** Uniform draw in [0, 1) with 53 random bits. */
export type Rng = () => number;

/** The stream `name` of the run with this seed. Equal arguments give equal sequences. */
export function stream(seed: number | string, name: string): Rng {
  const generator = seedrandom.alea(`${seed}/${name}`);
  return () => generator.double();
}

/** Bijective scrambling of 32 bits. */
export function mix32(word: number): number {
  let h = word | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** 32-bit hash of a string's UTF-16 units (FNV-1a, then scrambled). */
export function hashText(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return mix32(h);
}

/**
 * Draws addressed by key. `at(a, b)` positions it; every later draw of that position counts up from zero, so a consumer
 * may take as many as it needs. Not shared between consumers: take one per stream.
 */
export class Keyed {
  readonly #seedLow: number;
  readonly #seedHigh: number;
  #low = 0;
  #high = 0;
  #counter = 0;

  constructor(seed: number | string, name: string) {
    this.#seedLow = hashText(`${seed}/${name}`);
    this.#seedHigh = hashText(`${name}\\${seed}`);
  }

  /** Positions at the key (a, b): safe integers, each used whole. */
  at(a: number, b: number): this {
    const aHigh = Math.floor(a / 0x1_0000_0000);
    const bHigh = Math.floor(b / 0x1_0000_0000);
    this.#low = mix32(this.#seedLow ^ mix32(a) ^ Math.imul(mix32(b), 0x9e3779b1));
    this.#high = mix32(this.#seedHigh ^ mix32(b ^ bHigh ^ 0x5bd1e995) ^ Math.imul(mix32(a ^ aHigh), 0x27d4eb2f));
    this.#counter = 0;
    return this;
  }

  /** Next uniform draw in [0, 1) of this position. */
  readonly draw: Rng = () => {
    const n = Math.imul(++this.#counter, 0x6c62272e);
    const high = mix32(this.#high ^ n) >>> 5;
    const low = mix32(this.#low + n + high) >>> 6;
    return (high * 0x4000000 + low) / 0x20000000000000;
  };
}
