/**
 * Reads a reply of an OpenAI-compatible endpoint as it comes, whole or as server-sent events, and says what a client
 * sees of it: pieces of text, the tokens it says it used, how it ended.
 */
export interface ReplyFacts {
  /** It ended as a reply should: JSON, or events up to their end marker. */
  readonly isWhole: boolean;
  /** The endpoint said in the midst of the stream that it failed. */
  readonly isError: boolean;
  /** Events that brought text. */
  readonly pieces: number;
  /** As the endpoint counts them; -1: it does not say. */
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
}

export class ReplyReader {
  readonly #isStream: boolean;
  readonly #decoder = new TextDecoder();
  readonly #onPiece: () => void;
  /** Of a stream: what is not a whole line yet. */
  #text = '';
  #isDone = false;
  #isError = false;
  #pieces = 0;
  #usage: Readonly<Record<string, unknown>> = {};

  /** `onPiece` hears of each event of a stream that brings text. */
  constructor(isStream: boolean, onPiece: () => void) {
    this.#isStream = isStream;
    this.#onPiece = onPiece;
  }

  push(chunk: Buffer): void {
    this.#text += this.#decoder.decode(chunk, { stream: true });
    if (!this.#isStream) return;
    const lines = this.#text.split(/\r\n|\n|\r(?!$)/);
    this.#text = lines.pop() as string;
    for (const line of lines) this.#line(line);
  }

  end(): ReplyFacts {
    if (this.#isStream) this.#line(this.#text);
    else this.#whole();
    const { prompt_tokens: prompt, completion_tokens: output, prompt_tokens_details: details } = this.#usage;
    return {
      isWhole: this.#isDone && !this.#isError,
      isError: this.#isError,
      pieces: this.#pieces,
      promptTokens: countOf(prompt),
      outputTokens: countOf(output),
      cachedTokens: isObject(details) ? countOf(details['cached_tokens']) : -1,
    };
  }

  #line(line: string): void {
    if (!line.startsWith('data:')) return;
    const data = line.slice('data:'.length).trim();
    if (data === '[DONE]') {
      this.#isDone = true;
      return;
    }
    const event = jsonOf(data);
    if (!isObject(event)) return;
    if (isObject(event['error'])) this.#isError = true;
    if (isObject(event['usage'])) this.#usage = event['usage'];
    if (!hasText(event)) return;
    this.#pieces++;
    this.#onPiece();
  }

  #whole(): void {
    const body = jsonOf(this.#text);
    if (!isObject(body)) return;
    this.#isDone = !isObject(body['error']);
    if (isObject(body['usage'])) this.#usage = body['usage'];
  }
}

/** Of a chat: the delta's content, or what it thinks or calls; of a completion: its text. */
function hasText(event: Readonly<Record<string, unknown>>): boolean {
  const [choice] = Array.isArray(event['choices']) ? (event['choices'] as unknown[]) : [];
  if (!isObject(choice)) return false;
  if (isText(choice['text'])) return true;
  const { delta } = choice;
  if (!isObject(delta)) return false;
  return isText(delta['content']) || isText(delta['reasoning_content']) || Array.isArray(delta['tool_calls']);
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : -1;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
