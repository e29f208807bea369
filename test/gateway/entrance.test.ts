import { describe, expect, it } from 'vitest';
import { TenantLimit } from '../../policies/rate/tenant-limit.ts';
import { REFUSE } from '../../policies/router/answers.ts';
import type { RateLimit } from '../../policies/rate/types.ts';
import { FAILED, GatewayDriver, NOTHING, OK } from '../harness/gateway-driver.ts';
import { After, Told } from '../harness/gateway-policies.ts';

const SEC = 1e6;

/** Ten tokens a second; a request of the driver asks for 110. */
function limited(settings: ConstructorParameters<typeof GatewayDriver>[0] = {}): GatewayDriver {
  const limits = { tokensPerMinute: 600, requestsPerMinute: 60 };
  const rate = new TenantLimit({ name: 'tenant-limit', default: limits, tenants: {} });
  return new GatewayDriver({ rate, ...settings });
}

/** What a second request of the tenant may ask for at once, in tokens, found by asking for one more than that. */
function leftTokens(driver: GatewayDriver, now: number): number {
  let ids = 1000;
  for (let tokens = 600; tokens >= 0; tokens--) {
    const [line] = driver.arrive(now, ids, { promptTokens: tokens, maxOutputTokens: 0 });
    const [done] = line?.startsWith('start') === true ? driver.abandon(now, ids) : [line];
    ids++;
    if (done?.endsWith('rate-limited') !== true) return tokens;
  }
  return -1;
}

describe('a request beyond the rate of its tenant', () => {
  it('is shed before it could queue, with the wait that would help', () => {
    const driver = limited({ permits: 0 });
    for (const id of [0, 1, 2, 3, 4]) expect(driver.arrive(0, id)).toEqual([]);
    const refused = [driver.arrive(0, 5), driver.arrive(0, 6, { tenant: 'other' })];
    expect(refused).toEqual([['finish r5 shed rate-limited'], []]);
    expect(driver.gateway.held()).toEqual({ ...NOTHING, waiting: 6, charges: 6 });
    expect(driver.arrive(6 * SEC - 1, 7)).toEqual(['finish r7 shed rate-limited']);
    expect(driver.arrive(6 * SEC, 8)).toEqual([]);
  });

  it('knows how long its client is to wait; others are told nothing', () => {
    const waits: [number, number][] = [];
    const driver = limited();
    const { gateway } = driver;
    const take = gateway.take.bind(gateway);
    gateway.take = () => {
      const effect = take();
      if (effect?.kind === 'finish') waits.push([effect.request.id, effect.request.retryAfterUs]);
      return effect;
    };
    driver.arrive(0, 0, { promptTokens: 590 });
    driver.arrive(0, 1);
    driver.arrive(0, 2, { promptTokens: 600 });
    driver.end(0, 0, OK);
    expect(waits).toEqual([[1, 11 * SEC], [2, Infinity], [0, -1]]);
  });
});

describe('what was charged for a request', () => {
  it('is settled to what its worker says it used', () => {
    const driver = limited();
    driver.arrive(0, 0);
    driver.end(0, 0, { ...OK, usedTokens: 10 });
    expect(leftTokens(driver, 0)).toBe(590);
  });

  it('stays what it was when no worker says, and when the client went away', () => {
    for (const leave of ['unsaid', 'failed', 'abandoned']) {
      const driver = limited();
      driver.arrive(0, 0);
      if (leave === 'abandoned') driver.abandon(0, 0);
      else driver.end(0, 0, leave === 'failed' ? FAILED : OK);
      expect([leave, leftTokens(driver, 0)]).toEqual([leave, 490]);
    }
  });

  it('is given back when no attempt was made', () => {
    const full = limited({ permits: 0, waiters: 0 });
    expect(full.arrive(0, 0)).toEqual(['finish r0 shed queue-full']);
    expect(leftTokens(full, 0)).toBe(600);
    const refused = limited({ router: new Told(() => REFUSE) });
    expect(refused.arrive(0, 0)).toEqual(['finish r0 shed no-worker']);
    expect(leftTokens(refused, 0)).toBe(600);
  });

  it('counts the attempt that answered, not those before it', () => {
    const driver = limited({ retry: new After(0) });
    driver.arrive(0, 0);
    driver.end(0, 0, { ...FAILED, usedTokens: 100 });
    driver.end(0, 1, { ...OK, usedTokens: 20 });
    expect(leftTokens(driver, 0)).toBe(580);
  });

  it('is settled once for each request, whatever became of it', () => {
    const told: string[] = [];
    const rate: RateLimit = {
      charge: (_now, { id }) => (id === 3 ? 5 : 0),
      settle: (_now, { id }, usedTokens) => void told.push(`${id} ${usedTokens}`),
      held: () => ({ charges: 0 }),
    };
    const driver = new GatewayDriver({ rate, permits: 1, waiters: 1 });
    for (const id of [0, 1, 2, 3]) driver.arrive(0, id);
    driver.end(1, 0, { ...OK, usedTokens: 7 });
    driver.abandon(2, 1);
    expect(told).toEqual(['2 0', '3 0', '0 7', '1 -1']);
  });
});
