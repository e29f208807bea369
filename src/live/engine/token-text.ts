/**
 * The words a simulated engine says. They follow from the prompt alone, so that a retried request gets the reply it
 * would have got; their content means nothing.
 */
import { hashText, mix32 } from '../../kernel/rng.ts';

const WORDS = [
  ...['alpha', 'bravo', 'canyon', 'delta', 'ember', 'fjord', 'garnet', 'harbor', 'island', 'juniper', 'kestrel'],
  ...['lumen', 'meadow', 'nectar', 'onyx', 'prairie', 'quartz', 'river', 'summit', 'tundra', 'umber', 'valley'],
  ...['willow', 'xenon', 'yonder', 'zephyr', 'basalt', 'cinder', 'drift', 'eddy'],
];

export class TokenText {
  readonly #key: number;

  constructor(texts: readonly string[]) {
    let key = 0;
    for (const text of texts) key = mix32(key ^ hashText(text));
    this.#key = key;
  }

  /** Tokens `from` up to, not including, `to`: a word with its blank each. */
  between(from: number, to: number): string {
    let text = '';
    for (let i = from; i < to; i++) text += `${WORDS[mix32(this.#key + i) % WORDS.length] as string} `;
    return text;
  }
}

/**
 * Identity of the prompt's leading blocks of `blockBytes` bytes, for the prefix cache; the last, open one is left
 * out.
 */
export function blockIds(texts: readonly string[], blockBytes: number, blocksMax: number): number[] {
  const whole = texts.join('\n');
  const ids: number[] = [];
  for (let at = 0; at + blockBytes <= whole.length && ids.length < blocksMax; at += blockBytes) {
    ids.push(hashText(whole.slice(at, at + blockBytes)));
  }
  return ids;
}
