/**
 * Replays one recorded model call: request admission as in the variant `datadesigner-head`, the retry policy
 * `datadesigner`, and the classification in between, on a clock that rounds every sleep up to 2^-20 s as the
 * record's host does.
 */
import { AdaptiveAdmission } from '../../../policies/admission/adaptive-admission.ts';
import { requestAdmission } from '../../../policies/admission/request-admission.ts';
import type {
  AdmissionEffect,
  AdmissionEvent,
  ReleaseOutcome,
  RequestLease,
  Resource,
} from '../../../policies/admission/types.ts';
import { Datadesigner } from '../../../policies/retry/datadesigner.ts';
import { type ErrorKind, kindOfDenial, releaseOutcomeOfKind } from '../../../policies/salvage/classify.ts';
import type { AttemptResult } from '../../../policies/types.ts';
import { requestView } from '../../policies/views.ts';
import { type RetryRecord, retryConfig } from './task-retry-records.ts';

interface Step {
  readonly latency: number;
  readonly result: 'ok' | 'timeout_exc' | 'value_error' | 'cancel' | 'error';
  readonly kind?: string;
  readonly status?: number | null;
  readonly retry_after?: number | null;
}

export interface ExecutorRunLine {
  readonly type: 'executor_run';
  readonly variant: string;
  readonly id: number;
  readonly retry_config: RetryRecord;
  readonly registered: boolean;
  readonly cap: number;
  readonly all_slots_held_until: number | null;
  readonly queue_wait_timeout: number | null;
  readonly script: readonly Step[];
  readonly attempts: readonly unknown[];
  readonly result: unknown;
  readonly events: readonly (readonly [kind: string, reason: string | null])[];
  readonly final: unknown;
}

const US = 1e6;
const CALL = 0;
const CHAT: Resource = { provider: 'p', model: 'm', domain: 'chat' };
const snake = (text: string) => text.replaceAll('-', '_');
const kebab = (text: string) => text.replaceAll('_', '-');
const roundedUp = (seconds: number) => Math.ceil(seconds * 2 ** 20) / 2 ** 20;

/** Upstream's exceptions, and the outcome of the lease that each ends. */
const RAISED: Readonly<Record<string, readonly [exception: string, outcome: ReleaseOutcome]>> = {
  timeout_exc: ['TimeoutError', 'provider-timeout'],
  value_error: ['ValueError', 'unexpected-exception'],
  cancel: ['CancelledError', 'local-cancelled'],
};

export class ExecutorRun {
  readonly #line: ExecutorRunLine;
  readonly #admission: AdaptiveAdmission;
  readonly #retry: Datadesigner;
  readonly #held: RequestLease[] = [];
  readonly #events: (readonly [string, string | null])[] = [];
  readonly #attempts: unknown[] = [];
  #seconds = 0;

  constructor(line: ExecutorRunLine) {
    this.#line = line;
    const settings = requestAdmission.variants['datadesigner-head'];
    const config = requestAdmission.config.parse({ name: 'aimd', ...settings });
    const waitTimeout = line.queue_wait_timeout === null ? Infinity : line.queue_wait_timeout * US;
    this.#admission = new AdaptiveAdmission({ ...config, waitTimeout }, { sink: (event) => this.#note(event) });
    this.#retry = new Datadesigner(retryConfig(line.retry_config), () => 0);
  }

  run() {
    const { registered, cap, all_slots_held_until } = this.#line;
    if (registered) this.#admission.register(0, 'p', 'm', 'alias', cap);
    for (let i = 0; registered && all_slots_held_until !== null && i < cap; i++) {
      const answer = this.#admission.tryAcquire(0, 1 + i, CHAT);
      if (answer.kind === 'granted') this.#held.push(answer.lease);
    }
    const result = this.#call();
    while (this.#held.length > 0) this.#advance();
    const events = this.#events.map((row) => JSON.stringify(row)).sort();
    return { attempts: this.#attempts, result, events, final: this.#final() };
  }

  /** Until it ends: each attempt has its own lease. */
  #call() {
    for (;;) {
      const admitted = this.#admit();
      if (admitted.kind !== 'granted') {
        const variant = this.#line.variant === 'baseline' ? 'baseline' : 'repaired';
        const kind = admitted.kind === 'denied' ? kindOfDenial(admitted.reason, variant) : 'api-error';
        return { provider_error: snake(kind), status: null, retry_after: null, t: this.#seconds };
      }
      const { script } = this.#line;
      const step = script[Math.min(this.#attempts.length, script.length - 1)] as Step;
      const ended = this.#attempt(step, admitted.lease);
      if (ended !== undefined) return ended;
    }
  }

  #admit(): AdmissionEffect {
    this.#admission.acquire(this.#seconds * US, CALL, CHAT);
    for (;;) {
      const effect = this.#admission.take();
      if (effect !== undefined) return effect;
      this.#advance();
    }
  }

  /** To whatever is due next: the keeper's wake-up or the end of the leases held against the call. */
  #advance(): void {
    const wakeAt = roundedUp(this.#admission.nextWakeAt() / US);
    const heldUntil = this.#held.length > 0 ? (this.#line.all_slots_held_until ?? Infinity) : Infinity;
    this.#seconds = Math.max(this.#seconds, Math.min(wakeAt, heldUntil));
    if (wakeAt <= heldUntil) this.#admission.wake(this.#seconds * US);
    else for (const lease of this.#held.splice(0)) this.#admission.release(this.#seconds * US, lease, 'success');
  }

  /** Undefined: another attempt follows. */
  #attempt(step: Step, lease: RequestLease) {
    const started = this.#seconds;
    this.#seconds = roundedUp(started + step.latency);
    this.#attempts.push({ started, ended: this.#seconds, step: step.result });
    const now = this.#seconds * US;
    if (step.result === 'ok') {
      this.#admission.release(now, lease, 'success');
      return { ok: 'ok', t: this.#seconds };
    }
    if (step.result !== 'error') {
      const [exception, outcome] = RAISED[step.result] ?? [`unknown step ${step.result}`, 'unexpected-exception'];
      this.#admission.release(now, lease, outcome);
      return { exception, t: this.#seconds };
    }
    const kind = kebab(step.kind ?? '') as ErrorKind;
    const [status, retryAfter] = [step.status ?? null, step.retry_after ?? null];
    this.#admission.release(now, lease, releaseOutcomeOfKind(kind), (retryAfter ?? 0) * US);
    const delayUs = this.#retry.delayUs(now, requestView({ attemptCount: this.#attempts.length }), resultOf(step));
    if (delayUs < 0) return { provider_error: snake(kind), status, retry_after: retryAfter, t: this.#seconds };
    this.#seconds = roundedUp(this.#seconds + delayUs / US);
    return undefined;
  }

  #final() {
    const snapshot = this.#admission.snapshot(this.#seconds * US, CHAT);
    if (snapshot === undefined) return undefined;
    const { inFlight, limit, lastOutcome, consecutiveRateLimits, blockedUntil } = snapshot;
    const last = lastOutcome === 'none' ? null : snake(lastOutcome);
    const blocked = blockedUntil === -Infinity ? 0 : blockedUntil / US;
    return { in_flight: inFlight, limit, last_outcome: last, consec429: consecutiveRateLimits, blocked_until: blocked };
  }

  #note({ kind, reason }: AdmissionEvent): void {
    this.#events.push([`request_${snake(kind)}`, reason === 'none' ? null : snake(reason)]);
  }
}

function resultOf({ kind, status, retry_after }: Step): AttemptResult {
  const outcome = kind === 'timeout' && status === null ? 'timeout' : 'failed';
  return { outcome, status: status ?? 0, retryAfterUs: (retry_after ?? -1 / US) * US, bytesSent: false };
}
