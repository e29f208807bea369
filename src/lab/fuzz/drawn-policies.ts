/**
 * Draws the `policies:` block from what the registry knows: which policy plays a role, and with which settings. A
 * setting is drawn from a few values of the kind that its schema says it is, and is left at its default as often as
 * not.
 *
 * Of a user's own policy every setting is drawn, its variants too: that is what the campaign is about. Of the shipped
 * ones, the settings that choose between a sound behaviour and a historic defect (they are names, and sound by
 * default) stay as they are, so that a campaign over the shipped policies finds nothing unless there is something new
 * to find; a space can name a defect to look at it.
 */
import fc from 'fast-check';
import { z } from 'zod';
import { type PolicyEntry, policyEntries, type PolicyRole } from '../../../policies/index.ts';
import { ScenarioError } from '../scenario-error.ts';

/** Keys of the block that one policy plays, and the role it plays there. */
export const POLICY_KEYS = {
  capacity: 'capacity',
  rate: 'rate',
  queue: 'queue',
  router: 'router',
  gates: 'gate',
  retry: 'retry',
  retryBudget: 'retry-budget',
  health: 'health',
  tasks: 'tasks',
  admission: 'admission',
  callRetry: 'retry',
  salvage: 'salvage',
} as const satisfies Readonly<Record<string, PolicyRole>>;
export type PolicyKey = keyof typeof POLICY_KEYS;

/** Keys that matter to a dataset alone. */
export const BATCH_KEYS: ReadonlySet<string> = new Set<PolicyKey>(['tasks', 'admission', 'callRetry', 'salvage']);

export type DrawnPolicy = Readonly<Record<string, unknown>>;

const GATES_MAX = 2;
const DURATIONS = ['1s', '100ms', '10ms', '3s', '10s'];
const WHOLES = [1, 2, 4, 16, 64];

/**
 * Values of shipped settings, by role/name and key: the waits that a world of minutes is to see the end of, and bounds
 * that leave every world able to end.
 */
const SHIPPED: Readonly<Record<string, Readonly<Record<string, readonly unknown[]>>>> = {
  'gate/breaker': {
    openFor: ['1s', '3s', '5s'],
    probeTimeout: ['5s', '1s', '10s'],
    failureThreshold: [1, 3, 10],
    probesMax: [1, 3],
  },
  'gate/concurrency-limit': { max: [1, 2, 8], forgetAfter: ['none', '1s', '3s'] },
  'health/probes': { interval: ['1s', '500ms', '3s'], timeout: ['500ms', '2s'], drainSettle: ['1s', '5s'] },
  'queue/token-bucket': { refillPerSec: [0, 5, 50], burst: ['capacity', 1, 10] },
  'queue/priority': {
    ratePerSec: [0, 5, 50],
    defaultMaxClass: ['default', 'system', 'interactive', 'system'],
    // Where all slots are reserved, each cell of a dataset waits until then; where none is, there are some to preempt.
    classes: [
      { bulk: { starvation: '5s' } },
      { bulk: { starvation: '1s' } },
      { bulk: { starvation: '5s' }, interactive: { reservedFloor: 0 } },
      { bulk: { starvation: '5s' }, interactive: { reservedFloor: 1 }, system: { reservedFloor: 1 } },
    ],
  },
  'rate/tenant-limit': {
    // No request is larger than the burst: it would never be let in. A dataset that never gets through would not end.
    default: [
      { tokensPerMinute: 20_000, requestsPerMinute: 600 },
      { tokensPerMinute: 6000, requestsPerMinute: 120 },
      { tokensPerMinute: 20_000, requestsPerMinute: 60 },
      'none',
    ],
  },
  'router/prefix-hash': { withoutKey: ['least-load', 'refuse'] },
  'capacity/tiers': { override: [0, 1, 4], slotsPerWorker: [64, 1, 4], legacyMaxConcurrent: [1024, 4] },
  'capacity/fixed': { max: ['none', 1, 4, 16] },
  'router/manual': { assignment: ['random'], maxIdle: ['14400s', '10s'], keysMax: [1_000_000, 2] },
  'tasks/bounded-borrow': { submission: [1024, 1, 8], llmWait: [1024, 1, 8] },
  'tasks/strict': { submission: [1024, 1, 8], llmWait: [1024, 1, 8] },
  ...Object.fromEntries(
    ['exponential', 'jittered', 'datadesigner', 'sglang-8744'].map((name) => [
      `retry/${name}`,
      { maxAttempts: [3, 1, 5] },
    ]),
  ),
  'retry/openai-sdk': { maxRetries: [2, 0, 4] },
  'salvage/rounds': { roundsMax: [2, 1, 4], preserveFor: ['none', '10s'], preserveStarts: ['none', 5] },
  'admission/aimd': { waitTimeout: ['60s', '50ms', '1s'], cooldown: ['2s', '100ms'], increaseAfter: [25, 1] },
};
/** Of these every run says a value: the default is beyond the end of a run. */
const ALWAYS_SAID: Readonly<Record<string, readonly string[]>> = {
  'gate/breaker': ['openFor', 'probeTimeout'],
  'health/probes': ['interval', 'timeout'],
  'queue/priority': ['classes', 'defaultMaxClass'],
  'rate/tenant-limit': ['default'],
};

/** A policy for each key that `names` lists, one of those names; `gates` may have several or none. */
export function policyArbitrary(
  key: PolicyKey,
  entries: readonly PolicyEntry[],
  names?: readonly string[],
): fc.Arbitrary<DrawnPolicy | readonly DrawnPolicy[]> {
  const role = POLICY_KEYS[key];
  const playing = entries.filter((entry) => entry.role === role);
  const known = names === undefined ? playing : playing.filter(({ name }) => names.includes(name));
  const [first, ...others] = known.map(settingsArbitrary);
  if (first === undefined) throw new Error(`no ${role} policy to draw`);
  const one = fc.oneof({ withCrossShrink: true }, first, ...others);
  if (key !== 'gates') return one;
  return fc.uniqueArray(one, { minLength: 1, maxLength: GATES_MAX, selector: ({ name }) => name, size: 'max' });
}

interface Property {
  readonly type?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly anyOf?: readonly Property[];
}

/** The policy by name, with any of its settings. */
function settingsArbitrary(entry: PolicyEntry): fc.Arbitrary<DrawnPolicy> {
  const { role, name, config, variants } = entry;
  const isShipped = policyEntries.includes(entry);
  const given = SHIPPED[`${role}/${name}`] ?? {};
  const { properties = {}, required = [] } = z.toJSONSchema(config, { io: 'input', unrepresentable: 'any' });
  const keys: Record<string, fc.Arbitrary<unknown>> = { name: fc.constant(name) };
  for (const [key, property] of Object.entries(properties) as [string, Property][]) {
    if (key === 'name') continue;
    const values = given[key] ?? valuesOf(property, isShipped);
    if (values.length > 0) keys[key] = fc.constantFrom(...values);
    else if (required.includes(key)) throw new ScenarioError([undrawable(entry, key)]);
  }
  const variantNames = Object.keys(variants);
  if (!isShipped && variantNames.length > 0) keys['variant'] = fc.constantFrom(...variantNames);
  const requiredKeys = ['name', ...required, ...(ALWAYS_SAID[`${role}/${name}`] ?? [])];
  return fc
    .record(keys, { requiredKeys: [...new Set(requiredKeys)], noNullPrototype: true })
    .filter(({ variant, ...settings }) => {
      const under = typeof variant === 'string' ? variants[variant] : {};
      return config.safeParse({ ...under, ...settings }).success;
    });
}

function undrawable({ role, name }: PolicyEntry, key: string): string {
  return `policy ${role}/${name}: no value of ${key} can be drawn; allowed a default, or a base scenario that sets it`;
}

/** None of a text that may be anything. */
function durationsOf({ pattern }: Property): readonly string[] {
  return pattern === undefined ? [] : DURATIONS.filter((duration) => new RegExp(pattern).test(duration));
}

/** Values to draw from, simplest first; none when its kind is not one that is drawn. */
function valuesOf(property: Property, isShipped: boolean): readonly unknown[] {
  const { type, anyOf, minimum = 0, maximum = Infinity } = property;
  const usual = property.default;
  // Without end only where that is the default: who waits for ever keeps a run from ending.
  if (property.const !== undefined) return property.const === usual ? [property.const] : [];
  if (anyOf !== undefined) return anyOf.flatMap((each) => valuesOf({ default: usual, ...each }, isShipped));
  if (property.enum !== undefined) return isShipped ? [] : property.enum;
  if (type === 'boolean') return [false, true];
  if (type === 'string') return durationsOf(property);
  const within = (value: number): boolean => value >= minimum && value <= maximum;
  if (type === 'integer') return WHOLES.filter(within);
  if (type !== 'number') return [];
  const middle = typeof usual === 'number' ? usual : 1;
  const ends = maximum === Infinity ? [middle / 2, middle * 2] : [minimum, maximum, (minimum + maximum) / 2];
  return [middle, ...ends].filter(within);
}
