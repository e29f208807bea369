/** Every entry of the registry makes what plays its role, as itself and as each of its variants. */
import { describe, expect, it } from 'vitest';
import { policyEntries, type PolicyRole } from '../../policies/index.ts';

/** What a core or host calls without asking whether it is there. */
const METHODS: Readonly<Record<PolicyRole, readonly string[]>> = {
  capacity: ['current', 'source'],
  rate: ['charge', 'settle', 'held'],
  queue: ['offer', 'leave', 'capacityChanged', 'wake', 'take', 'nextWakeAt', 'held'],
  router: ['pick'],
  gate: ['allows', 'reconsiderAt'],
  retry: ['delayUs'],
  'retry-budget': ['allows'],
  health: ['discovered', 'launch', 'settled', 'nextProbeAt', 'status', 'held'],
  tasks: ['schedule'],
  admission: ['register', 'tryAcquire', 'acquire', 'cancel', 'release', 'wake', 'take', 'nextWakeAt', 'held'],
  salvage: ['classify', 'afterRounds'],
};

const made = policyEntries.flatMap((entry) =>
  ['', ...Object.keys(entry.variants)].map((variant) => [entry.role, entry.name, variant, entry] as const),
);

describe('an entry of the registry', () => {
  it.each(made)('makes what plays its role: %s %s %s', (role, name, variant, entry) => {
    const config = entry.config.parse({ name, ...entry.variants[variant] });
    const policy = entry.make(config, { rng: () => 0.5 }) as unknown as Readonly<Record<string, unknown>>;
    expect(METHODS[role].filter((method) => typeof policy[method] !== 'function')).toEqual([]);
  });

  it('has a role that is known, and one by one every role has an entry', () => {
    const roles = new Set<string>(policyEntries.map(({ role }) => role));
    expect([...roles].sort()).toEqual(Object.keys(METHODS).sort());
  });
});

/** What a variant changes of the defaults: the defects and figures of the system that it is named after. */
const VARIANTS: readonly (readonly [policy: string, variant: string, changes: Readonly<Record<string, unknown>>])[] = [
  ['capacity tiers', 'smg-2026-08-07', { whenNoneHealthy: 'legacy', whenTooLarge: 'not-reported' }],
  ['capacity aimd', 'netflix', { signal: 'e2e' }],
  ['capacity vegas', 'netflix', { signal: 'e2e' }],
  ['capacity gradient2', 'netflix', { signal: 'e2e', onDrop: 'ignore' }],
  ['queue codel', 'folly', { interval: 100e3, target: 5e3 }],
  ['queue token-bucket', 'smg-2026-08-07', { refillPerSec: 'capacity', admission: 'legacy' }],
  [
    'queue priority',
    'smg-2026-08-07',
    {
      ...{ dispatch: 'kicked', preemptedSlot: 'open', deadWaiters: 'keep-place', starved: 'preemptible' },
      ...{ whenUnfit: 'legacy-admission', reserveFor: 'all', unreserved: 0 },
    },
  ],
  ['router power-of-two', 'smg-2026-08-07', { reportMaxAge: Infinity }],
  ['router power-of-two', 'smg-2026-08-07-http', { reportMaxAge: Infinity, withoutReports: 'first-drawn' }],
  ['router least-load', 'smg-2026-08-07', { reportMaxAge: Infinity }],
  ['router least-load', 'smg-2026-08-07-http', { reportMaxAge: Infinity, credit: 'mean' }],
  [
    'router cache-aware',
    'smg-2026-08-07',
    {
      ...{ evictionInterval: 120e6, refreshEvery: 8, reportMaxAge: Infinity },
      ...{ whenGone: 'first-available', forget: 'never' },
    },
  ],
  ['router cache-aware', 'smg-2026-08-07-kv-events', { reportMaxAge: Infinity, choose: 'most-overlap' }],
  ['router prefix-hash', 'smg-2026-08-07', { slack: 0, withoutKey: 'refuse' }],
  ['router prefix-hash', 'smg-2026-08-07-http', { slack: 0, withoutKey: 'refuse', sees: 'nothing' }],
  ['router consistent-hashing', 'smg-2026-08-07', { implicitKeys: ['tenant'] }],
  ['router bucket', 'smg-2026-08-07', { whenFleetChanges: 'full-range', whenOwnerAway: 'wait' }],
  ['router dp-min-tokens', 'smg-2026-08-07', { release: 'reported' }],
  [
    'gate breaker',
    'smg-2026-08-07',
    { failureStatuses: [408, 429, 500, 502, 503, 504], otherStatuses: 'success', machine: 'lazy' },
  ],
  ['gate busy', 'dynamo-seed', { model: 'seed', kvUsedRatioMax: Infinity, decodeRatioMax: 0.95 }],
  ['gate busy', 'dynamo-2026', { model: 'latch', kvUsedRatioMax: Infinity, decodeRatioMax: 0.95 }],
  ['retry exponential', 'smg-2026-08-07', { cap: 'before-jitter', retryAfter: 'ignore' }],
  [
    'retry jittered',
    'aws-simulation-2015',
    { shape: 'decorrelated', initialBackoff: 5e3, maxBackoff: 2e6, retryAfter: 'ignore' },
  ],
  ['retry jittered', 'grpc-a6', { maxBackoff: 1e6, maxAttempts: 4, retryAfter: 'ignore' }],
  [
    'retry jittered',
    'p-retry-7',
    { shape: 'none', initialBackoff: 1e6, maxBackoff: 512e6, maxAttempts: 11, retryAfter: 'ignore' },
  ],
  ['retry openai-sdk', 'retry-after-60s', { retryAfterMax: 60e6 }],
  ['retry datadesigner', 'transport', { exponentBegins: 1, jitterRatio: 0.2, retryAfter: 'honour' }],
  ['retry-budget sre', 'go-zero', { k: 1.5, window: 10e6 }],
  ['health probes', 'smg-2026-08-07', { startStatus: 'ready', pendingCap: 'always', failed: 'terminal' }],
  ['tasks bounded-borrow', 'head', {}],
  ['tasks bounded-borrow', 'fixed', { emptiedGroup: 'stays', reserveRatio: 0.125, reserveMin: 1 }],
  [
    'tasks bounded-borrow',
    'baseline',
    {
      ...{ requestLimits: 'none', emptiedGroup: 'stays', dispatchYield: 'none' },
      ...{ reserveRatio: 0.125, reserveMin: 1 },
    },
  ],
  ['tasks strict', 'fixed', { emptiedGroup: 'stays' }],
  ['tasks strict', 'baseline', { requestLimits: 'none', emptiedGroup: 'stays', dispatchYield: 'none' }],
  [
    'admission aimd',
    'datadesigner-head',
    {
      ...{ waitTimeout: Infinity, retryAfterMax: Infinity, cooldownEnd: 'latest-429', emptiedGroup: 'stays' },
      ...{ ceiling: 'for-ever', newcomers: 'behind-fair-head', stateBegins: 'any-touch' },
    },
  ],
  [
    'salvage rounds',
    'baseline',
    { preserve: ['rate-limited'], pacedBy: 'rate-limited', queueTimeout: 'provider-timeout' },
  ],
];

describe('a variant', () => {
  it.each(VARIANTS)('changes what its system did otherwise: %s %s', (policy, variant, changes) => {
    const entry = policyEntries.find((each) => `${each.role} ${each.name}` === policy);
    if (entry === undefined) throw new Error(`no policy ${policy}`);
    const { name } = entry;
    const defaults = entry.config.parse({ name });
    expect(entry.config.parse({ name, ...entry.variants[variant] })).toEqual({ ...defaults, ...changes });
  });
});
