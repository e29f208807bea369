/** smg middleware/token_bucket.rs and rate_limit/bucket.rs. */
import { ScopeBucket } from '../../../policies/rate/scope-bucket.ts';
import { TokenBucket } from '../../../policies/rate/token-bucket.ts';
import type { Handlers } from './handler.ts';

type BucketOp = 'available' | { try: number } | { return: number } | { advance_ms: number };

function tokenBucket(input: { capacity: number; refill_per_s: number; ops: BucketOp[] }) {
  const bucket = new TokenBucket(0, input.capacity, input.refill_per_s);
  let now = 0;
  const sequence = input.ops.map((op) => {
    if (op === 'available') return bucket.available(now);
    if ('try' in op) return bucket.take(now, op.try);
    if ('return' in op) bucket.add(op.return);
    else now += op.advance_ms * 1000;
    return null;
  });
  return { sequence };
}

function scopeBucket(input: { tokens_per_minute: number; requests_per_minute: number; ops: string[] }) {
  const limits = { tokensPerMinute: input.tokens_per_minute, requestsPerMinute: input.requests_per_minute };
  const bucket = new ScopeBucket(0, limits);
  let now = 0;
  const sequence = input.ops.map((op) => {
    const [kind, ...numbers] = op.split(':');
    const [first = 0, second = 0] = numbers.map(Number);
    if (kind === 'adv') {
      now += first * 1000;
      return null;
    }
    if (kind === 'settle') {
      bucket.settle(now, first);
      return bucket.left;
    }
    if (kind !== 'try') throw new Error(`unknown op ${op}`);
    const waitSec = bucket.waitSec(now, first, second);
    if (waitSec === 0) bucket.debit(first, second);
    return { allowed: waitSec === 0, retry_after: waitSec === Infinity ? 'MAX' : waitSec, ...bucket.left };
  });
  return { sequence };
}

export const rateGroups: Handlers = { token_bucket: tokenBucket, tenant_scope_bucket: scopeBucket };
