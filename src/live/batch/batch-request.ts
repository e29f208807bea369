/**
 * One call of a row as the gateway core sees it. What policies are told of its prompt is an estimate from its text, as
 * in the proxy; blocks are not told apart, so routers that go by prefixes find none.
 */
import type { Call } from '../../dataset/types.ts';
import type { RequestInit } from '../../gateway/request.ts';
import { readOpenAiRequest } from '../openai-request.ts';
import type { InputLine } from './input-line.ts';

const BYTES_PER_TOKEN = 4;
/** Of a call that does not limit its output. */
const OUTPUT_TOKENS = 256;

export class BatchRequest implements RequestInit {
  readonly id: number;
  readonly call: Call;
  /** Number of its row in the input. */
  readonly row: number;
  /** Sent as `x-request-id`. */
  readonly requestId: string;
  readonly line: InputLine;
  readonly body: Buffer;
  readonly promptTokens: number;
  readonly maxOutputTokens: number;
  readonly routingKey: string;
  readonly tenant = 'batch';
  readonly prefixKey = 0;
  readonly blockHashes: readonly number[] = [];
  readonly blockTokens = 0;
  readonly priority = 0;
  readonly targetWorker = '';

  constructor(id: number, call: Call, row: number, requestId: string, line: InputLine) {
    this.id = id;
    this.call = call;
    this.row = row;
    this.requestId = requestId;
    this.line = line;
    this.body = Buffer.from(line.body);
    const asked = readOpenAiRequest(this.body);
    const isKnown = 'texts' in asked;
    const bytes = isKnown ? asked.texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) : this.body.length;
    this.promptTokens = (isKnown ? asked.tokenIds : 0) + Math.ceil(bytes / BYTES_PER_TOKEN);
    this.maxOutputTokens = isKnown && asked.maxOutputTokens >= 0 ? asked.maxOutputTokens : OUTPUT_TOKENS;
    this.routingKey = isKnown ? asked.model : '';
  }
}
