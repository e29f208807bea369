/**
 * What is seen of a gateway from outside, kept in books: effects in order, leases as each policy hears of them,
 * departures as the queue hears of them. It throws at the first thing that may not happen.
 */
import type { AttemptView, FinishCause, FinishReason, Micros, PolicySet, WorkerStatus } from '../../policies/types.ts';
import type { Effect } from '../../src/gateway/host.ts';
import type { Attempt, GatewayRequest } from '../../src/gateway/request.ts';

const CAUSES: Readonly<Record<FinishReason, readonly FinishCause[]>> = {
  ok: ['none'],
  failed: ['upstream', 'rate-limited'],
  timeout: ['deadline', 'upstream'],
  cancelled: ['client', 'upstream'],
  shed: ['queue-full', 'queue-timeout', 'no-worker', 'all-busy', 'preempted', 'rate-limited'],
};

interface Entry {
  readonly deadlineAt: Micros;
  /** A picky router turns it down. */
  readonly unwanted: boolean;
  live: Attempt | undefined;
  endedOk: boolean;
  bytesSent: boolean;
}

export function must(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

export class Ledger {
  readonly inside = new Map<number, Entry>();
  readonly live: Attempt[] = [];
  readonly settled: Attempt[] = [];
  readonly statuses: WorkerStatus[] = [];
  arrived = 0;
  lateEnds = 0;
  picks = 0;
  #granted = 0;
  /** Per policy, the leases it holds to be open. */
  readonly #open = new Map<string, Set<number>>();
  readonly #heard = new Map<string, number>();
  readonly #left = new Set<number>();
  readonly #charged = new Set<number>();
  readonly #settledCharges = new Set<number>();
  #asked = -1;

  arrive(id: number, deadlineAt: Micros, unwanted: boolean): void {
    this.arrived++;
    this.inside.set(id, { deadlineAt, unwanted, live: undefined, endedOk: false, bytesSent: false });
  }

  /** The host saw the end of a live attempt. */
  ended(attempt: Attempt, ok: boolean, bytesSent: boolean): void {
    const entry = this.#entry(attempt.request);
    entry.endedOk = ok;
    entry.bytesSent ||= bytesSent;
    this.#close(attempt);
  }

  firstToken(attempt: Attempt): void {
    if (attempt.state === 'running') this.#entry(attempt.request).bytesSent = true;
  }

  perform(now: Micros, effect: Effect): void {
    switch (effect.kind) {
      case 'start':
        this.#start(now, effect.attempt);
        break;
      case 'cancel':
        must(this.live.includes(effect.attempt), 'an attempt is cancelled that does not run');
        must(/timeout|cancelled/.test(effect.attempt.result?.outcome ?? ''), 'a cancelled attempt ended otherwise');
        this.#close(effect.attempt);
        break;
      case 'finish':
        this.#finish(effect.request, effect.reason, effect.cause);
    }
  }

  /** What must hold between inputs. */
  check(): void {
    for (const [who, open] of this.#open) {
      must(this.#heard.get(who) === this.#granted, `the ${who} has not heard of each lease`);
      must(open.size === this.live.length, `the ${who} has not heard of each settlement`);
    }
    must(this.#left.size === this.arrived - this.inside.size, 'the queue was not told of each departure');
    must(this.#settledCharges.size === this.#left.size, 'the rate limit was not told of each departure');
  }

  /** The same policies, listened to. */
  listening(set: PolicySet): PolicySet {
    const queue = this.#listen('queue', set.queue, {
      leave: (_now: Micros, { id }: { id: number }) => {
        must(!this.#left.has(id), 'the queue is told twice that a request is over');
        this.#left.add(id);
      },
    });
    const router = this.#listen('router', set.router, {
      pick: (_now: Micros, { triedWorkers }: GatewayRequest, candidates: { index: number }[]) => {
        this.picks++;
        must(candidates.length > 0, 'the router is asked without a candidate');
        for (const { index } of candidates) must(this.statuses[index] === 'ready', 'a candidate is not ready');
        const tried = candidates.filter(({ index }) => triedWorkers.includes(index)).length;
        const apart = tried === 0 || tried === candidates.length;
        must(apart || !set.excludeFailedWorkers, 'a worker is offered again beside one not tried');
      },
    });
    const rate = wrapped(set.rate, {
      charge: (_now: Micros, { id }: GatewayRequest) => {
        must(!this.#charged.has(id), 'a request is charged twice');
        this.#charged.add(id);
      },
      settle: (_now: Micros, { id, attemptCount }: GatewayRequest, usedTokens: number) => {
        must(this.#charged.has(id) && !this.#settledCharges.has(id), 'a charge is settled twice, or none is');
        must(attemptCount > 0 || usedTokens === 0, 'a request that was never tried has used tokens');
        this.#settledCharges.add(id);
      },
    });
    const retry = this.#listen('retry', set.retry, {
      delayUs: (_now: Micros, request: GatewayRequest, result: { bytesSent: boolean; outcome: string }) => {
        must(!result.bytesSent && !this.#entry(request).bytesSent, 'a retry is asked for after bytes were sent');
        must(result.outcome !== 'ok', 'a retry is asked for after a success');
        must(this.#asked !== request.id * 1000 + request.attemptCount, 'a retry is asked for twice');
        this.#asked = request.id * 1000 + request.attemptCount;
      },
    });
    const gates = set.gates.map((gate, i) => this.#listen(`gate ${i}`, gate, {}));
    return { ...set, rate, queue, router, retry, gates };
  }

  #start(now: Micros, attempt: Attempt): void {
    const entry = this.#entry(attempt.request);
    must(entry.live === undefined, 'a request has two attempts at once');
    must(!entry.bytesSent, 'an attempt follows one that has sent bytes');
    must(now < entry.deadlineAt, 'an attempt starts at or after the deadline of its request');
    must(this.statuses[attempt.worker.index] === 'ready', 'an attempt starts on a worker that is not ready');
    must(attempt.id === this.#granted++, 'attempts are not numbered in order of grant');
    entry.live = attempt;
    this.live.push(attempt);
  }

  #finish(request: GatewayRequest, reason: FinishReason, cause: FinishCause): void {
    const entry = this.#entry(request);
    must(entry.live === undefined, 'a request finishes while it runs');
    must(CAUSES[reason].includes(cause), `a request may not finish as ${reason} with cause ${cause}`);
    must((reason === 'ok') === entry.endedOk, 'a request is ok if and only if its attempt was');
    this.inside.delete(request.id);
  }

  #entry(request: { readonly id: number }): Entry {
    const entry = this.inside.get(request.id);
    must(entry !== undefined, 'something happens to a request that is over');
    return entry;
  }

  #close(attempt: Attempt): void {
    this.#entry(attempt.request).live = undefined;
    this.live.splice(this.live.indexOf(attempt), 1);
    this.settled.push(attempt);
  }

  #listen<Policy extends object>(who: string, policy: Policy, hears: Readonly<Record<string, unknown>>): Policy {
    const open = new Set<number>();
    this.#open.set(who, open);
    this.#heard.set(who, 0);
    const all: Readonly<Record<PropertyKey, unknown>> = {
      ...hears,
      granted: (_now: Micros, attempt: AttemptView) => {
        must(attempt.id === this.#heard.get(who), `the ${who} hears of a lease out of turn, or twice`);
        this.#heard.set(who, attempt.id + 1);
        open.add(attempt.id);
      },
      settled: (_now: Micros, attempt: AttemptView) => {
        must(open.delete(attempt.id), `the ${who} hears twice of a settlement`);
      },
    };
    return wrapped(policy, all);
  }
}

/** The policy, with each of its methods preceded by the one of that name. */
function wrapped<Policy extends object>(policy: Policy, before: Readonly<Record<PropertyKey, unknown>>): Policy {
  const methods = new Map<PropertyKey, unknown>();
  return new Proxy(policy, {
    get(target, key) {
      if (methods.has(key)) return methods.get(key);
      const own: unknown = Reflect.get(target, key, target);
      const first = before[key];
      if (typeof own !== 'function' && first === undefined) return own;
      const method = (...args: unknown[]): unknown => {
        if (typeof first === 'function') Reflect.apply(first, undefined, args);
        return typeof own === 'function' ? Reflect.apply(own, target, args) : undefined;
      };
      methods.set(key, method);
      return method;
    },
  });
}
