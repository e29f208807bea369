/**
 * Every policy of a gateway, each in every variant and under settings that reach the rest of its state: told at any
 * moment of a wild run and taken up again, it answers as the one that told does, call by call, and tells the same.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PolicyEntry, policyEntries, type PolicyRole } from '../../../policies/index.ts';
import { commands, expectCopyGoesOn } from './machine-side.ts';

/** The key of the `policies:` block for each role of a gateway; the other roles are the batch core’s and the host’s. */
const KEYS = {
  capacity: 'capacity',
  rate: 'rate',
  queue: 'queue',
  router: 'router',
  gate: 'gates',
  retry: 'retry',
  'retry-budget': 'retryBudget',
} as const;
type GatewayRole = keyof typeof KEYS;

/** By role/name: settings that give it more to remember than the default ones do. */
const MORE: Readonly<Record<string, readonly object[]>> = {
  'capacity/tiers': [{ slotsPerWorker: 1, legacyMaxConcurrent: 3 }],
  'capacity/aimd': [
    { initial: 3, min: 1 },
    { initial: 3, min: 1, window: '1ms', windowSamples: 2 },
  ],
  'capacity/vegas': [
    { initial: 3, probeMultiplier: 1 },
    { initial: 4, smoothing: 0.5, signal: 'e2e' },
  ],
  'capacity/gradient2': [
    { initial: 3, min: 1, window: '0s' },
    { initial: 3, min: 1, windowSamples: 2 },
  ],
  'rate/tenant-limit': [
    { default: { tokensPerMinute: 300, requestsPerMinute: 9 } },
    { default: { tokensPerMinute: 100_000, requestsPerMinute: 3 } },
    { tenants: { t0: { tokensPerMinute: 120, requestsPerMinute: 20 } } },
  ],
  'queue/fifo': [{ size: 3, timeout: '3ms' }],
  'queue/codel': [
    { size: 4, interval: '2ms', target: '100us' },
    { size: 9, timeout: '3ms' },
  ],
  'queue/adaptive-lifo': [{ size: 5, threshold: '1ms' }],
  'queue/deadline': [
    { size: 5, prediction: 'tokens' },
    { size: 5, timeout: '3s', weight: 1 },
  ],
  'queue/token-bucket': [
    { size: 4, refillPerSec: 2, burst: 2 },
    { size: 4, admission: 'legacy' },
  ],
  'queue/priority': [
    { ...classes({ queueSize: 3, queueTimeout: '4s', starvation: '1s' }), ratePerSec: 3 },
    {
      ...{ variant: 'smg-2026-08-07', whenUnfit: 'clamp' },
      ...classes({ queueSize: 3, queueTimeout: '4s', starvation: '1s' }),
    },
    { variant: 'smg-2026-08-07', ...classes({ queueSize: 3, queueTimeout: '4s', starvation: '1s' }) },
  ],
  'router/cache-aware': [
    { balanceAbsThreshold: 1, blocksMax: 6, refreshEvery: 3 },
    { choose: 'most-overlap', blocksMax: 9, evictionInterval: '1ms' },
  ],
  'router/prefix-hash': [{ loadFactor: 1, slack: 0 }],
  'router/consistent-hashing': [{ implicitKeys: [] }],
  'router/manual': [
    { assignment: 'min-group', keysMax: 2 },
    { assignment: 'min-load', maxIdle: '1s' },
  ],
  'router/bucket': [{ adjustInterval: '1ms', balanceAbsThreshold: 1000 }, { balanceRelThreshold: 5 }],
  'router/kv-cost': [
    { blocksMax: 7, maxIdle: '1s', bookingMax: '1s' },
    { temperature: 0.5, requestWeight: 2 },
  ],
  'router/least-load': [{ reportMaxAge: '1s' }],
  'gate/concurrency-limit': [{ max: 1, forgetAfter: '1ms' }],
  'gate/breaker': [
    { failureThreshold: 2, openFor: '1ms', successThreshold: 2, probesMax: 1 },
    { variant: 'smg-2026-08-07', failureThreshold: 2, openFor: '1ms' },
  ],
  'gate/busy': [
    { staleAfter: '1ms', refusalHold: '1ms', kvUsedRatioMax: 0.3, prefillTokensMax: 50 },
    { variant: 'dynamo-2026', decodeRatioMax: 0.3, prefillTokensMax: 50 },
    { variant: 'dynamo-seed', decodeRatioMax: 0.3 },
  ],
  'retry/jittered': [{ shape: 'decorrelated', maxAttempts: 9 }],
  'retry-budget/finagle': [{ minRetriesPerSec: 0.3, retryRatio: 0.5 }],
  'retry-budget/grpc': [{ maxTokens: 4, tokenRatio: 0.7 }],
  'retry-budget/sre': [{ k: 1, window: '10s' }],
  'retry-budget/ratio': [{ minRetries: 1 }],
};

function classes(settings: object): object {
  const names = ['bulk', 'default', 'interactive', 'system'];
  const each = { reservedFloor: 0, reservedPerSlot: 0.2, ...settings };
  return {
    classes: Object.fromEntries(names.map((name, lane) => [name, { ...each, canPreempt: lane > 1 }])),
    ...{ defaultMaxClass: 'system', tenants: { t0: 'default' } },
  };
}

interface Subject {
  readonly title: string;
  readonly role: GatewayRole;
  readonly settings: object;
}

const SUBJECTS: readonly Subject[] = policyEntries.flatMap((entry) => {
  const { role, name, variants } = entry;
  if (!isOfGateway(role)) return [];
  const each = [{}, ...Object.keys(variants).map((variant) => ({ variant })), ...(MORE[`${role}/${name}`] ?? [])];
  return each.map((more) => {
    return { title: `${role}/${name} ${JSON.stringify(more)}`, role, settings: { name, ...more } };
  });
});

function isOfGateway(role: PolicyRole): role is GatewayRole {
  return Object.hasOwn(KEYS, role);
}

/** What stands around the subject: little room, attempts that fail and are tried again, requests that wait. */
const around = fc.record({
  capacity: fc.constantFrom<object>(
    { name: 'fixed', max: 2 },
    { name: 'fixed', max: 6 },
    { name: 'tiers', slotsPerWorker: 1 },
  ),
  gates: fc.constantFrom<object[]>([], [{ name: 'concurrency-limit', max: 1 }]),
  retry: fc.constantFrom<object>({ name: 'exponential', maxAttempts: 9, initialBackoff: '1ms', maxBackoff: '1ms' }),
  timeouts: fc.constantFrom<object>({}, { attempt: '10ms' }, { request: '90ms', worker: '2ms' }, { request: '5s' }),
});

/** The same entries, whose policies write down each question and answer. */
function recorded(told: unknown[]): PolicyEntry[] {
  return policyEntries.map((entry) => ({
    ...entry,
    make: (config, context) => overheard(entry.make(config, context), told),
  }));
}

function overheard<Policy extends object>(policy: Policy, told: unknown[]): Policy {
  return new Proxy(policy, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown => {
        const answer: unknown = Reflect.apply(member, target, args);
        if (name !== 'snapshot' && name !== 'restore') told.push([name, inBrief(answer)]);
        return answer;
      };
    },
  });
}

/** Effects by whom they are about; all else as it is. */
function inBrief(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null) return answer;
  const { request, attempt, ...rest } = answer as Record<string, { readonly id: number } | undefined>;
  return { ...rest, request: request?.id, attempt: attempt?.id };
}

describe('a policy that is told and taken up again goes on as it was', () => {
  it.each(SUBJECTS)('$title', ({ role, settings }) => {
    const own = { [KEYS[role]]: role === 'gate' ? [settings] : settings };
    const policies = around.map((others) => ({ ...others, ...own }));
    fc.assert(
      fc.property(policies, commands, commands, (all, before, after) => {
        expectCopyGoesOn({ policies: all, before, after }, recorded);
      }),
      { seed: 5, numRuns: 25 },
    );
  });

  it('and one that takes up less is found', () => {
    const forgetful = (told: unknown[]): PolicyEntry[] => {
      return recorded(told).map((entry) => {
        if (entry.name !== 'cache-aware') return entry;
        return {
          ...entry,
          make: (config, context) => Object.create(entry.make(config, context), LESS) as object as never,
        };
      });
    };
    const policies = { router: { name: 'cache-aware' }, capacity: { name: 'fixed', max: 6 } };
    const property = fc.property(commands, commands, (before, after) => {
      expectCopyGoesOn({ policies, before, after }, forgetful);
    });
    expect(fc.check(property, { seed: 5, numRuns: 40 }).failed).toBe(true);
  });
});

/** It restores nothing. */
const LESS = { restore: { value: () => undefined } };
