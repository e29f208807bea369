/** The end of a reply, where engines say how many tokens they used. Nothing is parsed on the way. */

const PIECES = 3;
const BYTES = 4096;
/** Inside a JSON string its quotes would be escaped, so generated text cannot pass for it. */
const TOTAL = /"total_tokens"\s*:\s*(\d{1,15})/g;

export class ReplyTail {
  readonly #pieces: Buffer[] = [];

  push(piece: Buffer): void {
    this.#pieces.push(piece);
    if (this.#pieces.length > PIECES) this.#pieces.shift();
  }

  /** Prompt and output tokens; undefined when the reply does not say. */
  get usedTokens(): number | undefined {
    const tail = this.#pieces.map((piece) => piece.subarray(-BYTES).toString('latin1')).join('');
    const last = [...tail.matchAll(TOTAL)].at(-1)?.[1];
    return last === undefined ? undefined : Number(last);
  }
}
