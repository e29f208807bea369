/** Wrong retries and limits: storms, budgets that do not bound, limits that do not recover. */
import type { FinagleConfig, GrpcConfig, RatioConfig } from '../../policies/retry-budget/config.ts';
import { FinagleBudget } from '../../policies/retry-budget/finagle.ts';
import { GrpcBudget } from '../../policies/retry-budget/grpc.ts';
import { RatioBudget } from '../../policies/retry-budget/ratio.ts';
import { type ExponentialConfig, exponentialConfig } from '../../policies/retry/config.ts';
import { Exponential } from '../../policies/retry/exponential.ts';
import type { aimd } from '../../policies/limit/aimd.ts';
import { aimdConfig } from '../../policies/limit/config.ts';
import { finagleProperty, grpcProperty, ratioProperty } from '../harness/policies/budget-property.ts';
import { limitProperty, limitRecoveryProperty, limits, type MakeLimit } from '../harness/policies/limit-property.ts';
import { herdProperty, type RetryClaims, retryProperty } from '../harness/policies/retry-property.ts';
import { edit, edited, type Family, family } from './family.ts';

const MAX_BACKOFF_US = 60e3;

/** The claims of `exponential` as it is by default, but for a bound that five attempts reach. */
function exponential(fields: Partial<ExponentialConfig> = {}, Class = Exponential): RetryClaims {
  const config = { ...exponentialConfig.parse({ name: 'exponential' }), maxBackoff: MAX_BACKOFF_US, ...fields };
  const particular = { attemptsMax: 5, longestUs: MAX_BACKOFF_US, retryAfter: 'later', spreads: true } as const;
  return { ...particular, make: (rng) => new Class(config, rng) };
}

const cancelledToo = edit('retry/status.ts', " && result.outcome !== 'cancelled'", '');
const Repeating = edited<typeof Exponential>('retry/exponential.ts', 'Exponential', cancelledToo);

const retries = family('retries', retryProperty, exponential(), [
  { name: 'Retry-After is ignored (smg)', make: exponential({ retryAfter: 'ignore' }), runs: 40, commands: 1 },
  {
    name: 'jitter leads beyond the bound (smg defect 25)',
    make: exponential({ cap: 'before-jitter' }),
    ...{ runs: 40, commands: 3 },
  },
  { name: 'a request is retried for ever', make: exponential({ maxAttempts: Infinity }), runs: 100, commands: 5 },
  { name: 'a cancelled attempt is repeated', make: exponential({}, Repeating), runs: 40, commands: 1 },
]);

const herds = family('a crowd is parted', herdProperty, exponential(), [
  { name: 'a retry storm without jitter', make: exponential({ jitterFactor: 0 }), runs: 10, commands: 12 },
]);

function wrongFinagle(file: string, from: string, to: string) {
  const change = edit(`retry-budget/${file}`, from, to);
  const Wrong = edited<typeof FinagleBudget>('retry-budget/finagle.ts', 'FinagleBudget', change);
  return (config: FinagleConfig) => new Wrong(config);
}

const finagle = family('retry budget by window', finagleProperty, (config) => new FinagleBudget(config), [
  {
    name: 'the budget is never charged',
    make: wrongFinagle('finagle.ts', '    this.#retries.add(now);\n', ''),
    ...{ runs: 20, commands: 3 },
  },
  {
    name: 'the budget is never refilled',
    make: wrongFinagle('sliding-count.ts', '      this.#total -= this.#ring[place] as number;\n', ''),
    ...{ runs: 20, commands: 2 },
  },
]);

/** Never hears of the end of a retry. */
class DeafBudget extends RatioBudget {
  override settled(): void {}
}

const neverLapses = edit('retry-budget/ratio.ts', 'if (until < now) this.#reserved.delete(id);', '');
const Remembering = edited<typeof RatioBudget>('retry-budget/ratio.ts', 'RatioBudget', neverLapses);

const ratio = family('retry budget by leases', ratioProperty, (config: RatioConfig) => new RatioBudget(config), [
  {
    name: 'a retry that ended is under way for ever',
    make: (config) => new DeafBudget(config),
    ...{ runs: 40, commands: 4 },
  },
  {
    name: 'who died while backing off keeps its place',
    make: (config) => new Remembering(config),
    ...{ runs: 40, commands: 1 },
  },
]);

const fillsNothing = edit('retry-budget/grpc.ts', 'this.#milli + this.#successMilli', 'this.#milli');
const Spending = edited<typeof GrpcBudget>('retry-budget/grpc.ts', 'GrpcBudget', fillsNothing);

const grpc = family('retry budget by tokens', grpcProperty, (config: GrpcConfig) => new GrpcBudget(config), [
  { name: 'successes give no token back', make: (config) => new Spending(config), runs: 20, commands: 1 },
]);

function wrongAimd(from: string, to: string): MakeLimit {
  const wrong = edited<typeof aimd>('limit/aimd.ts', 'aimd', edit('limit/aimd.ts', from, to));
  return (settings) => {
    return wrong.make(aimdConfig.parse({ name: 'aimd', timeout: '40us', ...settings }), { rng: () => 0.5 });
  };
}

const bounds = family('limits have bounds', limitProperty, limits.aimd, [
  {
    name: 'drops lead AIMD below its minimum',
    make: wrongAimd('Math.max(min, Math.floor(this.#limit * backoffRatio))', 'Math.floor(this.#limit * backoffRatio)'),
    ...{ runs: 100, commands: 16 },
  },
]);

const recoveries = family('limits recover', limitRecoveryProperty, limits.aimd, [
  {
    name: 'AIMD never recovers',
    make: wrongAimd('Math.min(max, this.#limit + 1)', 'this.#limit'),
    ...{ runs: 5, commands: 1 },
  },
]);

export const retryFamilies: readonly Family[] = [retries, herds, finagle, ratio, grpc, bounds, recoveries];
