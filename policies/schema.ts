/**
 * Schema of the `policies:` block that scenarios and the proxy share. Every key is optional and falls back to
 * the defaults below; each policy is an object with a `name`, perhaps a `variant`, and the fields of that
 * policy. A variant lays its settings under the ones given explicitly. Works with z.toJSONSchema(…, { io:
 * 'input' }).
 */
import { z } from 'zod';
import { durationOrNone, unknownKeys } from './config.ts';
import type { PolicyEntry, PolicyRole } from './entry.ts';
import type { Timeouts } from './types.ts';

/** One policy's checked configuration: defaults filled in, durations in microseconds. */
export interface PolicyConfig {
  readonly name: string;
  readonly variant?: string | undefined;
  readonly [field: string]: unknown;
}

export interface PoliciesConfig {
  readonly capacity: PolicyConfig;
  readonly rate: PolicyConfig;
  readonly queue: PolicyConfig;
  readonly router: PolicyConfig;
  readonly gates: readonly PolicyConfig[];
  readonly retry: PolicyConfig;
  readonly retryBudget: PolicyConfig;
  readonly excludeFailedWorkers: boolean;
  /** Absent: nobody probes. */
  readonly health?: PolicyConfig | undefined;
  readonly tasks: PolicyConfig;
  readonly admission: PolicyConfig;
  readonly callRetry: PolicyConfig;
  readonly salvage: PolicyConfig;
  readonly timeouts: Timeouts;
}

const DEFAULTS = {
  capacity: 'tiers',
  rate: 'none',
  queue: 'fifo',
  router: 'power-of-two',
  retry: 'exponential',
  'retry-budget': 'none',
  tasks: 'bounded-borrow',
  admission: 'aimd',
  salvage: 'rounds',
} as const;

const BLOCK_KEYS = [
  ...['capacity', 'rate', 'queue', 'router', 'gates', 'retry', 'retryBudget', 'excludeFailedWorkers'],
  ...['health', 'tasks', 'admission', 'callRetry', 'salvage', 'timeouts'],
];
const TIMEOUT_KEYS = ['request', 'attempt', 'worker'];

const timeoutsSchema = z
  .strictObject(
    {
      request: durationOrNone('1us')
        .prefault('none')
        .describe("Duration from arrival to the end of the request, or 'none'. Source: ours; smg has no such bound."),
      attempt: durationOrNone('1us')
        .prefault('1800s')
        .describe("Duration of one attempt, or 'none'. Source: smg request-timeout-secs (73da68ca9)."),
      worker: durationOrNone()
        .prefault('60s')
        .describe("Duration an admitted request may wait for a worker, or 'none'. Source: ours; smg gives 503."),
    },
    { error: unknownKeys('timeouts', TIMEOUT_KEYS) },
  )
  .transform(
    ({ request, attempt, worker }): Timeouts => ({ requestUs: request, attemptUs: attempt, workerUs: worker }),
  );

/** The block's schema for these entries; parsing `undefined` or `{}` gives the defaults. */
export function policiesSchema(entries: readonly PolicyEntry[]): z.ZodType<PoliciesConfig> {
  const role = (name: keyof typeof DEFAULTS, question: string, byDefault: string = DEFAULTS[name]) =>
    policySchema(entries, name).prefault({ name: byDefault }).describe(question);
  return z
    .strictObject(
      {
        capacity: role('capacity', 'How many requests may be admitted at once.'),
        rate: role('rate', 'Whether a request is within the rate of its tenant.'),
        queue: role('queue', 'Who enters when that many are in, and who is shed.'),
        router: role('router', 'Which worker gets a request.'),
        gates: z
          .array(policySchema(entries, 'gate'))
          .prefault([])
          .describe('Whether a worker may get one more; all must agree.'),
        retry: role('retry', 'Whether a failed attempt is followed by another, and when.'),
        retryBudget: role('retry-budget', 'How many retries all requests together may make.'),
        excludeFailedWorkers: z
          .boolean()
          .prefault(true)
          .describe('Whether a retry avoids the workers already tried while others are left; false: smg defect 6.'),
        health: policySchema(entries, 'health')
          .optional()
          .describe('Which workers are ready, by probes. Absent: told by others, as after health.detection.'),
        tasks: role('tasks', 'Which task of a batch starts now.'),
        admission: role('admission', 'Which call of a batch may be made now.'),
        callRetry: role('retry', 'Whether a failed call of a batch is followed by another, and when.', 'none'),
        salvage: role('salvage', 'What becomes of a batch task whose call failed.'),
        timeouts: timeoutsSchema.prefault({}).describe('Waits that the gateway itself bounds.'),
      },
      { error: unknownKeys('policies', BLOCK_KEYS) },
    )
    .prefault({});
}

/** Schema of one policy of the role: a union discriminated by `name`, variants laid under what is given. */
export function policySchema(entries: readonly PolicyEntry[], role: PolicyRole) {
  const candidates = entries.filter((entry) => entry.role === role);
  const names = candidates.map((entry) => entry.name).join(', ');
  const options = candidates.map(withVariant) as [z.ZodObject, ...z.ZodObject[]];
  const union = z.discriminatedUnion('name', options, {
    error: (issue) => {
      if (issue.code !== 'invalid_union') return `expected an object with a name, one of: ${names}`;
      const given = (issue.input as { name?: unknown }).name;
      return given === undefined
        ? `a ${role} policy needs a name, one of: ${names}`
        : `unknown ${role} policy ${JSON.stringify(given)}; allowed: ${names}`;
    },
  });
  return z.preprocess((given) => withVariantSettings(candidates, given), union) as unknown as z.ZodType<PolicyConfig>;
}

/** The entry's schema with a `variant` key for its own variants. */
function withVariant(entry: PolicyEntry): z.ZodObject {
  const { config, name, role } = entry;
  if (!(config instanceof z.ZodObject)) {
    throw new Error(`config of the ${role} policy '${name}' is not an object schema`);
  }
  const variants = Object.keys(entry.variants);
  const variant =
    variants.length === 0
      ? z.never({ error: `the ${role} policy '${name}' has no variants` })
      : z.enum(variants, {
          error: `unknown variant of the ${role} policy '${name}'; allowed: ${variants.join(', ')}`,
        });
  return config.safeExtend({
    variant: variant.optional().describe('Named settings of a known system; keys given beside it win.'),
  });
}

/**
 * `given` with the settings of its variant underneath; unchanged when policy or variant are unknown, for the
 * union to refuse.
 */
function withVariantSettings(candidates: readonly PolicyEntry[], given: unknown): unknown {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given;
  const { name, variant } = given as { name?: unknown; variant?: unknown };
  const entry = candidates.find((candidate) => candidate.name === name);
  if (entry === undefined || typeof variant !== 'string' || !Object.hasOwn(entry.variants, variant)) return given;
  return { ...entry.variants[variant], ...given };
}
