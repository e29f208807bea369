/**
 * One line of `requests.jsonl`: the life of one request, seen from its client. Times in microseconds, -1 when it
 * never happened.
 */
import type { FinishCause, FinishReason } from '../../policies/types.ts';

export interface RequestRecord {
  id: number;
  tenant: string;
  /** Row and column of the cell it was for, or -1 and ''. */
  row: number;
  column: string;
  promptTokens: number;
  /** Tokens asked of the engine. */
  maxOutputTokens: number;
  /** Tokens the client got. */
  outputTokens: number;
  /** Prompt tokens found in the prefix cache at the first scheduling of the last attempt. */
  cachedTokens: number;
  /** The client sent it. */
  sentAt: number;
  /** It reached the gateway. */
  arrivedAt: number;
  /** First attempt granted. */
  startedAt: number;
  /** First token at the client, of the attempt that succeeded (or of the last one). */
  firstTokenAt: number;
  /** The client knew the end: last token or error. */
  finishedAt: number;
  attempts: number;
  /** Worker of the last attempt. */
  worker: number;
  reason: FinishReason;
  cause: FinishCause;
  /** HTTP status of the last failed attempt, 0 when none. */
  status: number;
}
