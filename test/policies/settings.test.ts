/** What the configuration of each policy accepts and refuses: the edges of every field, and what they mean. */
import { describe, expect, it } from 'vitest';
import { policyEntries } from '../../policies/index.ts';

type Fields = Readonly<Record<string, unknown>>;

function parse(policy: string, fields: Fields) {
  const [role, name] = policy.split(' ') as [string, string];
  const entry = policyEntries.find((each) => each.role === role && each.name === name);
  if (entry === undefined) throw new Error(`no policy ${policy}`);
  return entry.config.safeParse({ name, ...fields });
}

/** The values a policy's configuration makes of the fields. */
function accepted(policy: string, fields: Fields): Fields {
  const { data, error } = parse(policy, fields);
  expect(error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)).toBeUndefined();
  return Object.fromEntries(Object.keys(fields).map((key) => [key, (data as Fields)[key]]));
}

/** `path: message` of each issue. */
function refused(policy: string, fields: Fields): readonly string[] {
  return (parse(policy, fields).error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

const DURATIONS: readonly (readonly [policy: string, ...fields: string[]])[] = [
  ['queue fifo', 'timeout'],
  ['queue codel', 'timeout', 'interval', 'target'],
  ['queue adaptive-lifo', 'timeout'],
  ['queue deadline', 'timeout'],
  ['queue token-bucket', 'timeout'],
  ['gate breaker', 'openFor', 'window', 'probeTimeout'],
  ['gate busy', 'staleAfter'],
  ['gate concurrency-limit', 'forgetAfter'],
  ['retry jittered', 'initialBackoff', 'maxBackoff'],
  ['capacity aimd', 'timeout'],
  ['health probes', 'interval', 'timeout'],
  ['router manual', 'maxIdle'],
  ['router bucket', 'adjustInterval'],
  ['router kv-cost', 'maxIdle', 'bookingMax'],
  ['admission aimd', 'cooldown', 'waitTimeout', 'retryAfterMax'],
  ['salvage rounds', 'preserveFor'],
];

describe('a duration that must be more than nothing', () => {
  const fields = DURATIONS.flatMap(([policy, ...names]) => names.map((name) => [policy, name] as const));
  it.each(fields)('is at least a microsecond: %s %s', (policy, name) => {
    const rest = policy === 'retry jittered' ? { initialBackoff: '1us', maxBackoff: '1us' } : {};
    expect(accepted(policy, { ...rest, [name]: '1us' })).toMatchObject({ [name]: 1 });
    const messages = refused(policy, { ...rest, [name]: '0s' });
    expect(messages.some((message) => message.startsWith(`${name}: expected a duration`))).toBe(true);
  });
});

const UNBOUNDED: readonly (readonly [policy: string, ...fields: string[]])[] = [
  ['queue fifo', 'timeout'],
  ['queue codel', 'timeout'],
  ['queue adaptive-lifo', 'timeout'],
  ['queue deadline', 'timeout'],
  ['queue token-bucket', 'timeout'],
  ['capacity fixed', 'max'],
  ['gate concurrency-limit', 'forgetAfter'],
  ['capacity aimd', 'timeout'],
  ['gate breaker', 'window', 'probesMax'],
  ['gate busy', 'kvUsedRatioMax', 'decodeRatioMax', 'prefillTokensMax', 'prefillBatchesMax'],
  ['gate busy', 'staleAfter', 'refusalHold'],
  ['retry openai-sdk', 'retryAfterMax'],
  ['router power-of-two', 'reportMaxAge'],
  ['router least-load', 'reportMaxAge'],
  ['router cache-aware', 'reportMaxAge'],
  ['router manual', 'maxIdle'],
  ['router kv-cost', 'maxIdle', 'bookingMax'],
  ['admission aimd', 'waitTimeout', 'retryAfterMax'],
  ['salvage rounds', 'preserveFor', 'preserveStarts'],
];

describe('a bound that may be left out', () => {
  const fields = UNBOUNDED.flatMap(([policy, ...names]) => names.map((name) => [policy, name] as const));
  it.each(fields)("is infinite as 'none', and no other word will do: %s %s", (policy, name) => {
    expect(accepted(policy, { [name]: 'none' })).toEqual({ [name]: Infinity });
    expect(refused(policy, { [name]: '' })).toHaveLength(1);
  });
});

const WORDS: readonly (readonly [policy: string, field: string, words: readonly string[]])[] = [
  ['capacity tiers', 'whenNoneHealthy', ['hold', 'legacy']],
  ['capacity tiers', 'whenTooLarge', ['saturate', 'not-reported']],
  ['capacity aimd', 'signal', ['ttft', 'e2e']],
  ['capacity gradient2', 'onDrop', ['shrink', 'ignore']],
  ['queue deadline', 'prediction', ['observed', 'tokens', 'none']],
  ['queue token-bucket', 'refillPerSec', ['capacity']],
  ['queue token-bucket', 'burst', ['capacity']],
  ['queue token-bucket', 'admission', ['fifo', 'legacy']],
  ['queue priority', 'defaultMaxClass', ['bulk', 'default', 'interactive', 'system']],
  ['queue priority', 'dispatch', ['at-once', 'kicked']],
  ['queue priority', 'preemptedSlot', ['earmarked', 'open']],
  ['queue priority', 'deadWaiters', ['leave', 'keep-place']],
  ['queue priority', 'starved', ['safe', 'preemptible']],
  ['queue priority', 'whenUnfit', ['clamp', 'legacy-admission']],
  ['gate breaker', 'otherStatuses', ['by-outcome', 'success']],
  ['gate breaker', 'machine', ['fenced', 'lazy']],
  ['gate busy', 'model', ['values', 'latch', 'seed']],
  ['gate busy', 'whenStale', ['probe', 'busy', 'free']],
  ['retry exponential', 'cap', ['after-jitter', 'before-jitter']],
  ['retry exponential', 'retryAfter', ['honour', 'ignore']],
  ['retry jittered', 'shape', ['full', 'equal', 'decorrelated', 'none']],
  ['retry jittered', 'retryAfter', ['honour', 'ignore']],
  ['retry datadesigner', 'retryAfter', ['honour', 'ignore']],
  ['health probes', 'startStatus', ['pending', 'ready']],
  ['health probes', 'pendingCap', ['on-failure', 'always']],
  ['health probes', 'failed', ['recovers', 'terminal']],
  ['router power-of-two', 'withoutReports', ['in-flight', 'first-drawn']],
  ['router least-load', 'credit', ['prompt', 'mean']],
  ['router least-request', 'counts', ['leases', 'reported']],
  ['router prefix-hash', 'withoutKey', ['least-load', 'refuse']],
  ['router prefix-hash', 'sees', ['prefix', 'nothing']],
  ['router cache-aware', 'blockTokens', ['auto']],
  ['router cache-aware', 'choose', ['owner', 'most-overlap']],
  ['router cache-aware', 'whenGone', ['min-load', 'first-available']],
  ['router cache-aware', 'forget', ['gone-and-failed', 'never']],
  ['router manual', 'assignment', ['random', 'min-load', 'min-group']],
  ['router bucket', 'whenFleetChanges', ['recut', 'full-range']],
  ['router bucket', 'whenOwnerAway', ['least', 'wait']],
  ['router dp-min-tokens', 'release', ['settled', 'reported']],
  ['router kv-cost', 'idTokens', ['auto']],
  ['tasks bounded-borrow', 'requestLimits', ['per-endpoint', 'none']],
  ['tasks bounded-borrow', 'emptiedGroup', ['leaves', 'stays']],
  ['tasks bounded-borrow', 'advisory', ['request-pressure', 'none']],
  ['tasks bounded-borrow', 'dispatchYield', ['after-dispatch', 'none']],
  ['tasks bounded-borrow', 'shareRounding', ['up', 'down']],
  ['tasks bounded-borrow', 'repay', ['on-release', 'never']],
  ['admission aimd', 'cooldownEnd', ['later', 'latest-429']],
  ['admission aimd', 'emptiedGroup', ['leaves', 'stays']],
  ['admission aimd', 'ceiling', ['until-recovered', 'for-ever']],
  ['admission aimd', 'newcomers', ['behind-endpoint', 'behind-fair-head']],
  ['admission aimd', 'stateBegins', ['first-request', 'any-touch']],
  ['salvage rounds', 'pacedBy', ['preserved', 'rate-limited']],
  ['salvage rounds', 'queueTimeout', ['own-cause', 'provider-timeout']],
];

describe('a choice', () => {
  it.each(WORDS)('is one of the words: %s %s', (policy, name, words) => {
    for (const word of words) expect(accepted(policy, { [name]: word })).toEqual({ [name]: word });
    expect(refused(policy, { [name]: 'other' }).join()).toMatch(new RegExp(`^${name}: `));
  });

  it.each([
    ['salvage rounds', 'preserve', ['queue-full', 'queue-timeout', 'no-worker', 'all-busy']],
    ['salvage rounds', 'preserve', ['rate-limited', 'preempted', 'deadline', 'upstream']],
    ['router consistent-hashing', 'implicitKeys', ['tenant', 'prefix']],
    ['gate breaker', 'failureStatuses', [100, 599]],
    ['retry datadesigner', 'statuses', [400, 599]],
  ])('may be a list: %s %s %j', (policy, name, values) => {
    expect(accepted(policy, { [name]: values })).toEqual({ [name]: values });
    expect(accepted(policy, { [name]: [] })).toEqual({ [name]: [] });
    expect(refused(policy, { [name]: [...values, 'other'] })).toHaveLength(1);
  });
});

type Range = readonly [policy: string, field: string, ends: readonly [number, number?], beyond: readonly number[]];

/** The least and the most that is accepted, and what is just beyond either. */
const RANGES: readonly Range[] = [
  ['capacity tiers', 'override', [0, 65535], [-1, 65536]],
  ['capacity tiers', 'slotsPerWorker', [0, 65535], [-1, 65536]],
  ['capacity tiers', 'legacyMaxConcurrent', [0, 65535], [-1, 65536]],
  ['capacity fixed', 'max', [0], [-1, 0.5]],
  ['capacity aimd', 'backoffRatio', [0.5, 0.999], [0.49, 1]],
  ['capacity aimd', 'windowSamples', [1], [0]],
  ['capacity vegas', 'smoothing', [0, 1], [-0.1, 1.1]],
  ['capacity vegas', 'probeMultiplier', [1], [0]],
  ['capacity gradient2', 'tolerance', [1, 9], [0.9]],
  ['capacity gradient2', 'smoothing', [0, 1], [-0.1, 1.1]],
  ['capacity gradient2', 'queueSize', [0], [-1]],
  ['capacity gradient2', 'longWindow', [1], [0]],
  ['queue fifo', 'size', [0], [-1, 0.5]],
  ['queue deadline', 'weight', [0, 1], [-0.1, 1.1]],
  ['queue token-bucket', 'refillPerSec', [0, 1e9], [-1, 1e9 + 1]],
  ['queue token-bucket', 'burst', [1], [0]],
  ['queue priority', 'ratePerSec', [0, 1e6], [-1]],
  ['gate concurrency-limit', 'max', [1], [0]],
  ['gate breaker', 'failureThreshold', [1, 20], [0]],
  ['gate breaker', 'successThreshold', [1, 0xffff_ffff], [0, 2 ** 32]],
  ['gate breaker', 'probesMax', [1], [0]],
  ['gate busy', 'kvUsedRatioMax', [0, 1], [-0.1, 1.1]],
  ['gate busy', 'prefillTokensMax', [0], [-1]],
  ['gate busy', 'prefillBatchesMax', [0, 9.5], [-1]],
  ['retry exponential', 'maxAttempts', [1, 0xffff_ffff], [0, 2 ** 32]],
  ['retry exponential', 'backoffMultiplier', [1, 9], [0.9]],
  ['retry exponential', 'jitterFactor', [0, 1], [-0.1, 1.1]],
  ['retry jittered', 'maxAttempts', [1, 0xffff_ffff], [0, 2 ** 32]],
  ['retry jittered', 'multiplier', [1, 9], [0.9]],
  ['retry openai-sdk', 'maxRetries', [0, 0xffff_ffff], [-1, 2 ** 32]],
  ['retry openai-sdk', 'jitterRatio', [0, 1], [-0.1, 1.1]],
  ['retry datadesigner', 'maxAttempts', [1, 0xffff_ffff], [0, 2 ** 32]],
  ['retry datadesigner', 'exponentBegins', [0, 1], [-1, 2]],
  ['retry datadesigner', 'jitterRatio', [0, 1], [-0.1, 1.1]],
  ['retry sglang-8744', 'maxAttempts', [1, 0xffff_ffff], [0, 2 ** 32]],
  ['retry sglang-8744', 'backoffMultiplier', [1, 9], [0.9]],
  ['retry-budget finagle', 'retryRatio', [0, 1], [-0.1, 1.1]],
  ['retry-budget finagle', 'minRetriesPerSec', [0, 1e3], [-1]],
  ['retry-budget grpc', 'maxTokens', [0.001, 1000], [0, 1001]],
  ['retry-budget grpc', 'tokenRatio', [0.001, 1000], [0, 1001]],
  ['retry-budget sre', 'k', [1, 9], [0.9]],
  ['retry-budget ratio', 'minRetries', [0], [-1]],
  ['health probes', 'failureThreshold', [1], [0]],
  ['health probes', 'successThreshold', [1], [0]],
  ['health probes', 'concurrencyMax', [1], [0]],
  ['router least-load', 'kvPressureWeight', [0, 9], [-1]],
  ['router least-load', 'defaultThroughput', [0.1, 1e6], [0]],
  ['router least-load', 'meanPrefillTokens', [1], [0]],
  ['router prefix-hash', 'loadFactor', [1, 9], [0.9]],
  ['router prefix-hash', 'slack', [0, 99], [-1]],
  ['router cache-aware', 'balanceRelThreshold', [1, 9], [0.9]],
  ['router cache-aware', 'blockTokens', [1], [0]],
  ['router bucket', 'charactersPerToken', [0.1, 9], [0]],
  ['router bucket', 'balanceAbsThreshold', [0, 1e6], [-1]],
  ['router bucket', 'balanceRelThreshold', [1, 9], [0.9]],
  ['router kv-cost', 'prefillScale', [0, 9], [-1]],
  ['router kv-cost', 'overlapCredit', [0, 9], [-1]],
  ['router kv-cost', 'requestWeight', [0, 9], [-1]],
  ['router kv-cost', 'temperature', [0, 9], [-1]],
  ['tasks bounded-borrow', 'groupBacklog', [0.1, 9], [0]],
  ['tasks bounded-borrow', 'releasedHistory', [0, 1_000_000], [-1, 1_000_001]],
  ['tasks bounded-borrow', 'reserveRatio', [0, 1], [-0.1, 1.1]],
  ['tasks bounded-borrow', 'reserveMax', [1], [0]],
  ['salvage rounds', 'roundsMax', [1], [0]],
  ['salvage rounds', 'preserveStarts', [1], [0]],
];

describe('a number', () => {
  it.each(RANGES)('has its range: %s %s', (policy, name, ends, beyond) => {
    for (const value of ends) expect(accepted(policy, { [name]: value })).toEqual({ [name]: value });
    for (const value of beyond) expect(refused(policy, { [name]: value }).join()).toMatch(new RegExp(`^${name}: `));
  });
});

describe('a field that must suit another', () => {
  it.each<[string, Fields, string]>([
    ['retry exponential', { initialBackoff: '2s', maxBackoff: '1s' }, 'maxBackoff: expected at least initialBackoff'],
    ['retry jittered', { initialBackoff: '2s', maxBackoff: '1s' }, 'maxBackoff: expected at least initialBackoff'],
    ['retry sglang-8744', { initialBackoff: '2s', maxBackoff: '1s' }, 'maxBackoff: expected at least initialBackoff'],
    ['gate breaker', { failureThreshold: 5, samplesMax: 4 }, 'samplesMax: expected at least failureThreshold'],
    ['capacity aimd', { initial: 5, min: 6 }, 'initial: expected at least min'],
    ['capacity vegas', { initial: 7, max: 6 }, 'initial: expected at most max'],
    [
      'queue token-bucket',
      { admission: 'legacy', burst: 4 },
      "burst: expected 'capacity': the legacy bucket has no other",
    ],
  ])('is refused by name where it does not: %s %j', (policy, fields, message) => {
    expect(refused(policy, fields)).toEqual([message]);
  });

  it.each<[string, Fields]>([
    ['retry exponential', { initialBackoff: '2s', maxBackoff: '2s' }],
    ['retry jittered', { initialBackoff: '2s', maxBackoff: '2s' }],
    ['retry sglang-8744', { initialBackoff: '2s', maxBackoff: '2s' }],
    ['gate breaker', { failureThreshold: 5, samplesMax: 5 }],
    ['gate breaker', { failureThreshold: 5, samplesMax: 1, machine: 'lazy' }],
    ['capacity aimd', { initial: 5, min: 5, max: 5 }],
    ['queue token-bucket', { admission: 'fifo', burst: 4 }],
    ['queue token-bucket', { admission: 'legacy', burst: 'capacity' }],
  ])('is accepted where it does: %s %j', (policy, fields) => {
    expect(refused(policy, fields)).toEqual([]);
  });

  it.each([
    ['retry exponential', '1ms', '500us'],
    ['retry sglang-8744', '2ms', '1ms'],
    ['retry sglang-8744', '3ms', '2500us'],
  ])('counts in whole milliseconds where the formula does: %s', (policy, good, bad) => {
    expect(refused(policy, { initialBackoff: good, maxBackoff: good })).toEqual([]);
    expect(refused(policy, { initialBackoff: bad }).join()).toMatch(/^initialBackoff: expected/);
    expect(refused(policy, { initialBackoff: good, maxBackoff: bad }).join()).toMatch(/maxBackoff: expected/);
  });
});

describe('a nested object', () => {
  it.each<[string, Fields, string]>([
    [
      'rate tenant-limit',
      { tenants: { acme: { tokensPerMinute: 1, requestsPerMinute: 1, burst: 1 } } },
      "tenants.acme: unknown key 'burst' of a tenant; allowed: tokensPerMinute, requestsPerMinute",
    ],
    [
      'queue priority',
      { classes: { urgent: {} } },
      "classes: unknown key 'urgent' of classes; allowed: bulk, default, interactive, system",
    ],
    [
      'queue priority',
      { classes: { bulk: { size: 1 } } },
      "classes.bulk: unknown key 'size' of a class; allowed: queueTimeout, starvation, reservedPerSlot, " +
        'reservedFloor, queueSize, canPreempt',
    ],
    [
      'tasks bounded-borrow',
      { limits: [{ resource: 'r', limit: 1, amount: 1 }] },
      "limits.0: unknown key 'amount' of a limit; allowed: resource, limit",
    ],
    [
      'tasks bounded-borrow',
      { ceilings: [{ group: 'g', resource: 'r', ceiling: 1, max: 1 }] },
      "ceilings.0: unknown key 'max' of a ceiling; allowed: group, resource, ceiling",
    ],
    [
      'admission aimd',
      { resources: [{ provider: 'p', model: 'm', max: 1 }] },
      "resources.0: unknown key 'max' of a resource; allowed: provider, model, domain, initialLimit, limitMax, weight",
    ],
  ])('names the key it does not know: %s %j', (policy, fields, message) => {
    expect(refused(policy, fields)).toEqual([message]);
  });

  it('fills the fields of a class that are left out', () => {
    const { classes } = accepted('queue priority', { classes: { interactive: { queueSize: 3 } } });
    expect(classes).toMatchObject({
      bulk: { reservedFloor: 0, reservedPerSlot: 0, queueSize: 1024, queueTimeout: 300e6, starvation: 120e6 },
      default: { reservedPerSlot: 0.1, queueSize: 512, queueTimeout: 60e6, starvation: 30e6, canPreempt: false },
      interactive: { reservedFloor: 128, reservedPerSlot: 0.25, queueSize: 3, queueTimeout: 30e6, canPreempt: true },
      system: { reservedFloor: 32, reservedPerSlot: 0, queueSize: 64, starvation: 5e6, canPreempt: true },
    });
  });

  it('says what it expects of a value of two kinds', () => {
    expect(refused('queue token-bucket', { refillPerSec: 'x' })).toEqual([
      "refillPerSec: expected tokens per second from 0 to 1e9, or 'capacity'",
    ]);
    expect(refused('queue token-bucket', { burst: 'x' })).toEqual([
      "burst: expected a whole number of tokens ≥ 1, or 'capacity'",
    ]);
    expect(refused('capacity fixed', { max: 'x' })).toEqual(["max: expected a whole number of requests, or 'none'"]);
    expect(refused('gate breaker', { probesMax: 'x' })).toEqual([
      "probesMax: expected a whole number of probes ≥ 1, or 'none'",
    ]);
    expect(refused('gate busy', { kvUsedRatioMax: 'x' })).toEqual([
      "kvUsedRatioMax: expected a number from 0 to 1, or 'none'",
    ]);
    expect(refused('gate busy', { prefillTokensMax: 'x' })).toEqual([
      "prefillTokensMax: expected a whole number of tokens, or 'none'",
    ]);
    expect(refused('router cache-aware', { blockTokens: 'x' })).toEqual([
      "blockTokens: expected tokens per block, or 'auto'",
    ]);
    expect(refused('queue fifo', { timeout: 'soon' })).toEqual([
      "timeout: expected a duration with its unit, such as '50ms', '1.5s' or '2m30s', or 'none'",
    ]);
  });
});
