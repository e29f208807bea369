/**
 * Reads a request's body into memory within two bounds: its own size, and the budget that all bodies share. Whoever
 * gets the body owns its share of the budget and gives it back.
 */
import type { IncomingMessage } from 'node:http';
import type { ByteBudget } from './byte-budget.ts';

export interface BodyBounds {
  readonly bytesMax: number;
  readonly budget: ByteBudget;
}

/** Why there is no body: larger than allowed, no room for it now, or its sender left. */
export type BodyFailure = 'too-large' | 'no-room' | 'aborted';

/**
 * Calls `done` once, and reads nothing more after a failure. A body larger than the whole budget is too large, not
 * early.
 */
export function readBody(
  request: IncomingMessage,
  { bytesMax, budget }: BodyBounds,
  done: (body: Buffer | BodyFailure) => void,
): void {
  const limit = Math.min(bytesMax, budget.bytesMax);
  if (Number(request.headers['content-length'] ?? 0) > limit) {
    done('too-large');
    return;
  }
  let body: Buffer | undefined;
  let chunks: Buffer[] | undefined;
  let bytes = 0;
  let isOver = false;
  const fail = (failure: BodyFailure): void => {
    if (isOver) return;
    isOver = true;
    budget.give(bytes);
    request.off('data', onData);
    done(failure);
  };
  const onData = (chunk: Buffer): void => {
    if (bytes + chunk.length > limit) return fail('too-large');
    if (!budget.take(chunk.length)) return fail('no-room');
    bytes += chunk.length;
    // Most bodies are one chunk.
    if (body === undefined) body = chunk;
    else if (chunks === undefined) chunks = [body, chunk];
    else chunks.push(chunk);
  };
  request.on('data', onData);
  request.on('end', () => {
    if (isOver) return;
    isOver = true;
    done(chunks === undefined ? (body ?? NO_BYTES) : Buffer.concat(chunks, bytes));
  });
  // Node emits an error of a request only where somebody listens for it; its close comes in any case.
  request.on('close', () => fail('aborted'));
}

const NO_BYTES = Buffer.alloc(0);
