import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ScopeBucket } from '../../../policies/rate/scope-bucket.ts';
import { TenantLimit, tenantLimit } from '../../../policies/rate/tenant-limit.ts';
import { refitted, TokenBucket } from '../../../policies/rate/token-bucket.ts';
import { assertRuns } from '../../harness/gateway-runs.ts';
import { requestView } from '../views.ts';

const FILE = 'test/policies/rate/token-bucket.test.ts';

describe('TokenBucket', () => {
  it('is full at first, fills continuously and never overflows', () => {
    const bucket = new TokenBucket(0, 2, 4);
    expect([bucket.take(0, 2), bucket.take(0, 1), bucket.take(250e3, 1)]).toEqual([true, false, true]);
    expect(bucket.peek(10e6)).toBe(2);
    bucket.add(5);
    expect(bucket.peek(250e3)).toBe(2);
  });

  it('looks without banking', () => {
    const bucket = new TokenBucket(0, 1, 1 / 3);
    bucket.take(0, 1);
    const before = bucket.peek(3e6);
    for (let at = 0; at < 3e6; at += 1e4) bucket.peek(at);
    expect(bucket.peek(3e6)).toBe(before);
  });

  it('keeps what is lent when it is resized, and spills what is spent when it is limited', () => {
    const lent = new TokenBucket(0, 4, 0);
    lent.take(0, 3);
    lent.resize(0, 2, 0);
    expect(lent.peek(0)).toBe(-1);
    lent.resize(0, 5, 0);
    expect(lent.peek(0)).toBe(2);
    const spent = new TokenBucket(0, 4, 1);
    spent.take(0, 1);
    spent.limit(0, 2, 1);
    expect(spent.peek(0)).toBe(2);
    spent.limit(0, 9, 1);
    expect(spent.peek(0)).toBe(2);
  });

  it('says to the microsecond when there will be enough', () => {
    const property = fc.property(
      fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
      fc.integer({ min: 1, max: 65535 }),
      fc.integer({ min: 0, max: 1e9 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (rate, capacity, now, left) => {
        const bucket = new TokenBucket(now, capacity, rate);
        bucket.take(now, capacity - left);
        const at = bucket.readyAt(now, 1);
        expect(bucket.peek(at)).toBeGreaterThanOrEqual(1);
        if (at > now + 1) expect(bucket.peek(at - 2)).toBeLessThan(1 + 1e-9);
      },
    );
    assertRuns(property, { seed: 7251730, numRuns: 2000, file: FILE, title: 'says to the microsecond' });
  });

  it('is never ready for more than it holds or without a refill', () => {
    const dry = new TokenBucket(0, 1, 0);
    dry.take(0, 1);
    expect([dry.readyAt(0, 1), new TokenBucket(0, 1, 9).readyAt(0, 2)]).toEqual([Infinity, Infinity]);
  });

  it('is ready now for what it holds, to the fraction of a microsecond', () => {
    const bucket = new TokenBucket(0, 2, 9);
    bucket.take(0.25, 1);
    expect([bucket.readyAt(0.25, 1), bucket.readyAt(0.25, 0)]).toEqual([0.25, 0.25]);
  });
});

describe('a limit that is fitted anew', () => {
  it('keeps what its bucket holds, and needs none where nothing is limited', () => {
    const bucket = refitted(undefined, 0, 4, 1);
    bucket?.take(0, 3);
    expect([refitted(bucket, 0, 9, 2) === bucket, bucket?.peek(0), bucket?.peek(1e6)]).toEqual([true, 1, 3]);
    const unlimited = [refitted(bucket, 0, Infinity, 1), refitted(bucket, 0, 4, 0), refitted(bucket, 0, 4, Infinity)];
    expect(unlimited).toEqual([undefined, undefined, undefined]);
  });
});

describe('ScopeBucket', () => {
  it('tells what is left of both, and waits that are whole seconds', () => {
    const bucket = new ScopeBucket(0, { tokensPerMinute: 60, requestsPerMinute: 2 });
    bucket.debit(59.5, 1);
    expect(bucket.left).toEqual({ tokens: 0.5, requests: 1 });
    expect([bucket.waitSec(0, 0.5, 1), bucket.waitSec(0, 1, 1), bucket.waitSec(0, 2.5, 0)]).toEqual([0, 1, 2]);
    expect([bucket.waitSec(0, 0, 2), bucket.waitSec(0, 61, 0), bucket.waitSec(0, 0, 3)]).toEqual([
      30,
      Infinity,
      Infinity,
    ]);
  });
});

describe('TenantLimit', () => {
  const limits = { tokensPerMinute: 600, requestsPerMinute: 3 };

  function make(given: Record<string, unknown>) {
    return new TenantLimit(tenantLimit.config.parse({ name: 'tenant-limit', ...given }));
  }

  function request(id: number, tenant: string, tokens = 100) {
    return requestView({ id, tenant, promptTokens: tokens, maxOutputTokens: 0 });
  }

  it('limits each tenant by itself, and none without limits', () => {
    const policy = make({ default: limits, tenants: { big: { tokensPerMinute: 6000, requestsPerMinute: 60 } } });
    const charges = ['a', 'a', 'a', 'a', 'b', 'big'].map((tenant, id) => policy.charge(0, request(id, tenant)));
    expect(charges).toEqual([0, 0, 0, 20e6, 0, 0]);
    expect(make({}).charge(0, request(0, 'a', 1e9))).toBe(0);
  });

  it('charges a request once and settles what it used', () => {
    const policy = make({ default: limits });
    expect([policy.charge(0, request(0, 'a', 600)), policy.charge(0, request(0, 'a', 600))]).toEqual([0, 0]);
    expect(policy.charge(0, request(1, 'a', 300))).toBe(30e6);
    policy.settle(0, request(0, 'a'), 200);
    expect([policy.charge(0, request(1, 'a', 300)), policy.held()]).toEqual([0, { charges: 1 }]);
    policy.settle(0, request(1, 'a'), -1);
    policy.settle(0, request(1, 'a'), 0);
    expect([policy.charge(0, request(2, 'a', 101)), policy.held()]).toEqual([1e6, { charges: 0 }]);
  });

  it('refills before it settles', () => {
    const policy = make({ default: limits });
    policy.charge(0, request(0, 'a', 100));
    policy.settle(60e6, request(0, 'a'), 200);
    expect([policy.charge(60e6, request(1, 'a', 501)), policy.charge(60e6, request(1, 'a', 500))]).toEqual([1e6, 0]);
  });

  it('never lets through what exceeds a full bucket', () => {
    expect(make({ default: limits }).charge(0, request(0, 'a', 601))).toBe(Infinity);
  });

  it('reads no tenant from the prototype', () => {
    const policy = make({});
    expect([policy.charge(0, request(0, 'constructor')), policy.held()]).toEqual([0, { charges: 0 }]);
  });
});
