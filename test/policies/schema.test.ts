import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { policiesSchema, policyEntries } from '../../policies/index.ts';

const schema = policiesSchema(policyEntries);
const QUEUES = 'fifo, none, codel, adaptive-lifo, deadline, token-bucket, priority';

/** The only issue, as `path: message`. */
function refusal(block: unknown): string {
  const { error } = schema.safeParse(block);
  expect(error?.issues).toHaveLength(1);
  const issue = error?.issues[0];
  return `${issue?.path.join('.')}: ${issue?.message}`;
}

describe('policiesSchema', () => {
  it('gives the defaults for an absent or empty block', () => {
    const parsed = schema.parse(undefined);
    expect(parsed).toEqual(schema.parse({}));
    expect(parsed).toEqual({
      capacity: {
        name: 'tiers',
        override: 0,
        slotsPerWorker: 64,
        legacyMaxConcurrent: 1024,
        whenNoneHealthy: 'hold',
        whenTooLarge: 'saturate',
      },
      rate: { name: 'none' },
      queue: { name: 'fifo', size: 100, timeout: 60e6 },
      router: { name: 'power-of-two', reportMaxAge: 30e6, withoutReports: 'in-flight' },
      gates: [],
      retry: {
        name: 'exponential',
        maxAttempts: 5,
        initialBackoff: 50e3,
        maxBackoff: 30e6,
        backoffMultiplier: 1.5,
        jitterFactor: 0.2,
        cap: 'after-jitter',
        retryAfter: 'honour',
      },
      retryBudget: { name: 'none' },
      excludeFailedWorkers: true,
      tasks: {
        name: 'bounded-borrow',
        ...{ submission: 1024, llmWait: 1024, groupBacklog: 2, requestLimits: 'per-endpoint', limits: [] },
        ...{ emptiedGroup: 'leaves', advisory: 'request-pressure', dispatchYield: 'after-dispatch' },
        ...{ releasedHistory: 8192, ceilings: [], reserveRatio: 0, reserveMin: 0, reserveMax: 8 },
        ...{ shareRounding: 'up', repay: 'on-release' },
      },
      admission: {
        name: 'aimd',
        ...{ cooldown: 2e6, decreaseRatio: 0.75, increaseStep: 1, increaseAfter: 25, startupRamp: 0 },
        ...{ waitTimeout: 60e6, retryAfterMax: 60e6, cooldownEnd: 'later', emptiedGroup: 'leaves' },
        ...{ ceiling: 'until-recovered', newcomers: 'behind-endpoint', stateBegins: 'first-request' },
        ...{ releasedHistory: 8192, resources: [] },
      },
      callRetry: { name: 'none' },
      salvage: {
        ...{ name: 'rounds', roundsMax: 2, preserve: ['queue-timeout', 'rate-limited'], pacing: 50e3 },
        ...{ pacedBy: 'preserved', queueTimeout: 'own-cause', preserveFor: Infinity, preserveStarts: Infinity },
        unhealable: [],
      },
      timeouts: { requestUs: Infinity, attemptUs: 1800e6, workerUs: 60e6 },
    });
  });

  it('has no health policy unless one is named, and checks it then', () => {
    expect(schema.parse({}).health).toBeUndefined();
    expect(schema.parse({ health: { name: 'probes', interval: '10s' } }).health).toMatchObject({ interval: 10e6 });
    expect(refusal({ health: { interval: '10s' } })).toBe('health.name: a health policy needs a name, one of: probes');
  });

  it('lays a variant under the keys given beside it', () => {
    const { capacity, retry } = schema.parse({
      capacity: { name: 'tiers', variant: 'smg-2026-08-07', whenTooLarge: 'saturate' },
      retry: { variant: 'smg-2026-08-07', name: 'exponential', maxAttempts: 2 },
    });
    expect(capacity).toMatchObject({ variant: 'smg-2026-08-07', whenNoneHealthy: 'legacy', whenTooLarge: 'saturate' });
    expect(retry).toMatchObject({ cap: 'before-jitter', retryAfter: 'ignore', maxAttempts: 2 });
  });

  it.each(policyEntries.flatMap((entry) => Object.keys(entry.variants).map((variant) => [entry, variant] as const)))(
    'accepts each variant of each policy',
    (entry, variant) => {
      const given = { name: entry.name, variant };
      const key = entry.role === 'retry-budget' ? 'retryBudget' : entry.role;
      const block = entry.role === 'gate' ? { gates: [given] } : { [key]: given };
      expect(schema.safeParse(block).error).toBeUndefined();
    },
  );

  it.each([
    [{ queue: { name: 'lifo' } }, `queue.name: unknown queue policy "lifo"; allowed: ${QUEUES}`],
    [{ queue: {} }, `queue.name: a queue policy needs a name, one of: ${QUEUES}`],
    [{ queue: 'fifo' }, `queue: expected an object with a name, one of: ${QUEUES}`],
    [
      { gates: [{ name: 'braker' }] },
      'gates.0.name: unknown gate policy "braker"; allowed: concurrency-limit, breaker, busy',
    ],
    [
      { capacity: { name: 'tiers', variant: 'smg' } },
      "capacity.variant: unknown variant of the capacity policy 'tiers'; allowed: smg-2026-08-07",
    ],
    [{ queue: { name: 'fifo', variant: 'x' } }, "queue.variant: the queue policy 'fifo' has no variants"],
    [
      { queue: { name: 'fifo', sise: 1 } },
      "queue: unknown key 'sise' of policy 'fifo'; allowed: name, variant, size, timeout",
    ],
    [{ queue: { name: 'fifo', size: -1 } }, 'queue.size: Too small: expected number to be >=0'],
    [
      { queue: { name: 'fifo', timeout: 60 } },
      "queue.timeout: expected a duration with its unit, such as '50ms', '1.5s' or '2m30s', or 'none'",
    ],
    [
      { timeouts: { total: '1s' } },
      "timeouts: unknown key 'total' of timeouts; allowed: request, attempt, worker",
    ],
    [
      { routers: {} },
      ": unknown key 'routers' of policies; allowed: capacity, rate, queue, router, gates, retry, retryBudget, " +
        'excludeFailedWorkers, health, tasks, admission, callRetry, salvage, timeouts',
    ],
    [
      { retry: { name: 'exponential', initialBackoff: '2s', maxBackoff: '1s' } },
      'retry.maxBackoff: expected at least initialBackoff',
    ],
  ])('refuses %j in one line with its path', (block, message) => {
    expect(refusal(block)).toBe(message);
  });

  it('has a JSON schema that describes every field', () => {
    const json = z.toJSONSchema(schema, { io: 'input' });
    const block = json as { properties: Record<string, JsonField> };
    const missing: string[] = [];
    for (const [role, field] of Object.entries(block.properties)) {
      if (field.description === undefined) missing.push(role);
      for (const option of field.oneOf ?? field.items?.oneOf ?? [field]) {
        for (const [key, value] of Object.entries(option.properties ?? {})) {
          if (key !== 'name' && value.description === undefined) missing.push(`${role}.${key}`);
        }
      }
    }
    expect(missing).toEqual([]);
    expect(Object.keys(block.properties)).toHaveLength(14);
  });
});

interface JsonField {
  description?: string;
  oneOf?: JsonField[];
  items?: JsonField;
  properties?: Record<string, JsonField>;
}
