/** The end of a reply, where engines say how many tokens they used. Nothing is parsed on the way. */

const PIECES = 3;
const BYTES = 4096;
/** Inside a JSON string its quotes would be escaped, so generated text cannot pass for it. */
const NAME = Buffer.from('"total_tokens"');
const COUNT = /^\s*:\s*(\d{1,15})/;
const COUNT_BYTES = 32;

export class ReplyTail {
  readonly #pieces: Buffer[] = [];

  push(piece: Buffer): void {
    this.#pieces.push(piece);
    if (this.#pieces.length > PIECES) this.#pieces.shift();
  }

  /** Prompt and output tokens, as the last one who says so; undefined when the reply does not say. */
  get usedTokens(): number | undefined {
    const [only] = this.#pieces;
    if (only === undefined) return undefined;
    const ends = this.#pieces.length === 1 ? only : Buffer.concat(this.#pieces.map((piece) => piece.subarray(-BYTES)));
    const tail = ends.subarray(-PIECES * BYTES);
    for (let at = tail.lastIndexOf(NAME); at >= 0; at = at === 0 ? -1 : tail.lastIndexOf(NAME, at - 1)) {
      const from = at + NAME.length;
      const digits = COUNT.exec(tail.toString('latin1', from, from + COUNT_BYTES))?.[1];
      if (digits !== undefined) return Number(digits);
    }
    return undefined;
  }
}
