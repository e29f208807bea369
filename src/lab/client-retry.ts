/**
 * Clients that retry, by the very policies that gateways retry by: what a client gets is put as the result of an
 * attempt at the one server it knows, and a `retry` policy under a `retry-budget` says what follows. All clients of a
 * run share the two, as the processes of one application share an SDK and its budget.
 */
import {
  findPolicy,
  type PolicyConfig,
  type PolicyEntry,
  type PolicyRole,
  type StreamFor,
} from '../../policies/index.ts';
import type { AttemptResult, AttemptView, RequestView, WorkerView } from '../../policies/types.ts';
import { type Distribution, sampler } from '../kernel/distribution.ts';
import type { Answer } from '../workload/arrival.ts';
import type { Ask, ResendRule } from '../workload/retrying.ts';
import { Budgeted } from '../../policies/retry-budget/budgeted.ts';

/** The checked `clients:` block, as far as it is about retries. */
export interface ClientPolicies {
  readonly retry: PolicyConfig;
  readonly retryBudget: PolicyConfig;
  /** Microseconds; undefined: refusals of the gateway's own carry none. */
  readonly shedRetryAfter?: Distribution | undefined;
}

/** A rule for one run. Streams are named `client-retry`, `client-retry-budget` and `shed-retry-after`. */
export function clientRetry(config: ClientPolicies, streamFor: StreamFor, entries: readonly PolicyEntry[]): ResendRule {
  const retry = named('retry', config.retry, entries).make(config.retry, { rng: streamFor('client-retry') });
  const budget = named('retry-budget', config.retryBudget, entries);
  const rng = streamFor('client-retry-budget');
  const { shedRetryAfter } = config;
  const asked = shedRetryAfter === undefined ? () => -1 : sampler(shedRetryAfter, streamFor('shed-retry-after'));
  return new ClientRetry(new Budgeted(retry, budget.make(config.retryBudget, { rng })), asked);
}

function named<Role extends PolicyRole>(
  role: Role,
  { name }: PolicyConfig,
  entries: readonly PolicyEntry[],
): PolicyEntry<Role> {
  const entry = findPolicy(role, name, entries);
  if (entry === undefined) throw new Error(`no ${role} policy named '${name}': parse with the same entries`);
  return entry;
}

class ClientRetry implements ResendRule {
  readonly #policy: Budgeted;
  readonly #shedRetryAfterUs: () => number;
  /** Sends so far of all asks. */
  #sends = 0;
  #now = 0;
  /** By ask that is out. */
  readonly #out = new Map<number, AttemptView>();

  constructor(policy: Budgeted, shedRetryAfterUs: () => number) {
    this.#policy = policy;
    this.#shedRetryAfterUs = shedRetryAfterUs;
  }

  sent(at: number, ask: Ask): void {
    const now = this.#entered(at);
    const attempt = { id: this.#sends++, request: viewOf(ask), worker: GATEWAY, startedAt: now };
    this.#out.set(ask.id, attempt);
    this.#policy.granted(now, attempt);
  }

  answered(at: number, ask: Ask, answer: Answer): number {
    const now = this.#entered(at);
    const attempt = this.#out.get(ask.id) as AttemptView;
    this.#out.delete(ask.id);
    const isShed = Object.hasOwn(STATUS, answer.cause) && answer.retryAfterUs < 0;
    const result = resultOf(isShed ? { ...answer, retryAfterUs: this.#shedRetryAfterUs() } : answer);
    this.#policy.settled(now, attempt, result);
    return result.outcome === 'ok' ? -1 : this.#policy.delayUs(now, attempt.request, result);
  }

  /** Answers that travel for different times may be told of out of order; policies know no way back. */
  #entered(at: number): number {
    this.#now = Math.max(this.#now, at);
    return this.#now;
  }
}

/** The one server that a client knows. */
const GATEWAY: WorkerView = {
  index: 0,
  name: 'gateway',
  status: 'ready',
  inFlight: 0,
  inFlightTokens: 0,
  reportedAt: -Infinity,
  reportedRunning: -1,
  reportedWaiting: -1,
  reportedKvUsageRatio: -1,
};

function viewOf({ id, arrival, sends }: Ask): RequestView {
  return {
    id,
    tenant: arrival.tenant,
    arrivedAt: arrival.at,
    deadlineAt: Infinity,
    promptTokens: arrival.promptTokens,
    maxOutputTokens: arrival.maxOutputTokens,
    prefixKey: 0,
    blockHashes: [],
    blockTokens: 0,
    priority: arrival.priority,
    routingKey: arrival.routingKey,
    targetWorker: '',
    attemptCount: sends,
    triedWorkers: Array.from({ length: sends }, () => GATEWAY.index),
  };
}

const OK: AttemptResult = { outcome: 'ok', status: 200, retryAfterUs: -1, bytesSent: false };
const TOO_MANY = 429;
const UNAVAILABLE = 503;

/** HTTP status that a gateway gives for the causes of its own; others have that of the last attempt. */
const STATUS: Readonly<Record<string, number>> = {
  'queue-full': TOO_MANY,
  'rate-limited': TOO_MANY,
  'queue-timeout': UNAVAILABLE,
  'no-worker': UNAVAILABLE,
  'all-busy': UNAVAILABLE,
  preempted: UNAVAILABLE,
};

/** A reply that broke off is a failure like any other to a client: it asks for the whole again. */
function resultOf({ ok, cause, isLate, status, retryAfterUs }: Answer): AttemptResult {
  if (ok) return OK;
  if (cause === 'client' || cause === 'deadline' || isLate) {
    return { outcome: 'timeout', status: 0, retryAfterUs, bytesSent: false };
  }
  const own = STATUS[cause] ?? status;
  const isRefusal = own === TOO_MANY || own === UNAVAILABLE;
  return { outcome: isRefusal ? 'refused' : 'failed', status: own, retryAfterUs, bytesSent: false };
}
