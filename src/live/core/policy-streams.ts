/**
 * What the policies of a live gateway draw from. Each generation of policies has streams of its own, and all draws go
 * on in others where a segment of the journal begins, so that a segment can be replayed without those before it.
 */
import type { StreamFor } from '../../../policies/index.ts';
import type { Rng } from '../../../policies/types.ts';
import { stream } from '../../kernel/rng.ts';

interface Source {
  readonly name: string;
  draw: Rng;
}

export class PolicyStreams {
  readonly #seed: string;
  #segment: number;
  #generation = 0;
  /** Those of policies of the past included; there are as many as configurations were taken. */
  readonly #sources: Source[] = [];

  constructor(seed: string, segment: number) {
    this.#seed = seed;
    this.#segment = segment;
  }

  /** For a set of policies that is about to be made. */
  generation(): StreamFor {
    const generation = this.#generation++;
    return (name) => {
      const source = { name, draw: this.#stream(generation, name) };
      this.#sources.push(source);
      return () => source.draw();
    };
  }

  beginSegment(segment: number): void {
    this.#segment = segment;
    this.rewind();
  }

  /** As they are where the segment begins: draws that policies made since do not count. */
  rewind(): void {
    this.#generation = 1;
    for (const source of this.#sources) source.draw = this.#stream(0, source.name);
  }

  #stream(generation: number, name: string): Rng {
    return stream(this.#seed, `${this.#segment}/${generation}/${name}`);
  }
}
