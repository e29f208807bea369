/** What retry budgets keep under any traffic: their bound while it lasts, and their credit again once it is over. */
import fc from 'fast-check';
import type { FinagleConfig, GrpcConfig, RatioConfig, SreConfig } from '../../../policies/retry-budget/config.ts';
import type { FinagleBudget } from '../../../policies/retry-budget/finagle.ts';
import type { GrpcBudget } from '../../../policies/retry-budget/grpc.ts';
import type { RatioBudget } from '../../../policies/retry-budget/ratio.ts';
import type { SreBudget } from '../../../policies/retry-budget/sre.ts';
import type { Rng } from '../../../policies/types.ts';
import { CANCELLED, FAILED, leaseOf, OK } from '../../policies/retry-budget/traffic.ts';
import { requestView } from '../../policies/views.ts';
import { claim, claimEqual } from '../claim.ts';

const RATIO = 0.2;
const WINDOW_US = 100;

const step = fc.record({
  kind: fc.constantFrom('request', 'request', 'retry', 'settle', 'start'),
  us: fc.constantFrom(0, 0, 1, 7, 60),
});
const traffic = fc.array(step, { maxLength: 120, size: 'max' });

function within(times: readonly number[], from: number, to: number): number {
  return times.filter((at) => at > from && at <= to).length;
}

/** Retries never exceed reserve and share in any window; a quiet window later the reserve is there again. */
export function finagleProperty(make: (config: FinagleConfig) => FinagleBudget) {
  const reserve = 2;
  return fc.property(traffic, (steps) => {
    const perSec = (reserve * 1e6) / WINDOW_US;
    const budget = make({ name: 'finagle', retryRatio: RATIO, minRetriesPerSec: perSec, window: WINDOW_US });
    const [requests, retries]: [number[], number[]] = [[], []];
    let now = 0;
    for (const { kind, us } of steps) {
      now += us;
      if (kind === 'request') {
        budget.granted(now, leaseOf(requests.length));
        requests.push(now);
      } else if (budget.allows(now)) {
        retries.push(now);
        // Credit reaches back by a window and at most a slice more.
        const credit = reserve + RATIO * within(requests, now - WINDOW_US * 1.1, now);
        claim(within(retries, now - WINDOW_US, now) <= credit + 1e-9, 'more retries than reserve and share', retries);
      }
    }
    now += 1.2 * WINDOW_US;
    const again = Array.from({ length: reserve + 1 }, () => budget.allows(now));
    claimEqual(again, [true, true, false], 'retries allowed after a quiet window');
  });
}

/** Never more retries under way than the share of the leases, or the minimum; those that are over count no more. */
export function ratioProperty(make: (config: RatioConfig) => RatioBudget) {
  const minRetries = 2;
  return fc.property(traffic, (steps) => {
    const budget = make({ name: 'ratio', retryRatio: RATIO, minRetries });
    const [first, running, delayed]: [number[], number[], number[]] = [[], [], []];
    let [now, id] = [0, 0];
    for (const { kind, us } of steps) {
      now += us;
      if (kind === 'request') {
        budget.granted(now, leaseOf(id));
        first.push(id++);
      } else if (kind === 'retry') {
        const most = Math.max(minRetries, Math.ceil(RATIO * (first.length + running.length)));
        if (!budget.allows(now, requestView({ id }), 1e6)) continue;
        delayed.push(id++);
        claim(running.length + delayed.length <= most, 'more retries under way than their share', most);
      } else if (kind === 'start') {
        const started = delayed.shift();
        if (started === undefined) continue;
        budget.granted(now, leaseOf(started, 2));
        running.push(started);
      } else {
        const [over, over2] = [first.shift(), running.shift()];
        if (over !== undefined) budget.settled(now, leaseOf(over), OK);
        if (over2 !== undefined) budget.settled(now, leaseOf(over2, 2), FAILED);
      }
      claimEqual(budget.underWay, running.length + delayed.length, 'retries under way');
    }
    for (const each of first) budget.settled(now, leaseOf(each), OK);
    for (const each of running) budget.settled(now, leaseOf(each, 2), FAILED);
    // Requests that died while they backed off are forgotten when their delay is over.
    now += 1e6 + 1;
    const again = Array.from({ length: minRetries + 1 }, (_, i) => budget.allows(now, requestView({ id: id + i }), 1));
    claimEqual(again, [true, true, false], 'retries allowed once all is over');
  });
}

/** Tokens stay between nothing and the maximum; retries are allowed above the half only; successes bring them back. */
export function grpcProperty(make: (config: GrpcConfig) => GrpcBudget) {
  const outcomes = fc.array(fc.constantFrom('ok', 'failed', 'failed', 'cancelled'), { maxLength: 200, size: 'max' });
  return fc.property(outcomes, (steps) => {
    const budget = make({ name: 'grpc', maxTokens: 4, tokenRatio: 0.3 });
    let tokens = 4;
    for (const outcome of steps) {
      budget.settled(0, leaseOf(0), outcome === 'ok' ? OK : outcome === 'failed' ? FAILED : CANCELLED);
      if (outcome === 'ok') tokens = Math.min(4, tokens + 0.3);
      if (outcome === 'failed') tokens = Math.max(0, tokens - 1);
      claim(Math.abs(budget.tokens - tokens) < 1e-9, 'tokens', budget.tokens, tokens);
      claimEqual(budget.allows(), budget.tokens > 2, 'allowed above the half');
    }
    for (let i = 0; i < 14; i++) budget.settled(0, leaseOf(0), OK);
    claimEqual([budget.tokens, budget.allows()], [4, true], 'tokens after a run of successes');
  });
}

/** Refuses nothing while one attempt in k is accepted; the luckiest draw always passes; silence brings credit back. */
export function sreProperty(make: (config: SreConfig, rng: Rng) => SreBudget) {
  const k = 2;
  return fc.property(traffic, (steps) => {
    const strict = make({ name: 'sre', k, window: WINDOW_US }, () => 0);
    const lucky = make({ name: 'sre', k, window: WINDOW_US }, () => 1 - 2 ** -53);
    const [attempts, accepts]: [number[], number[]] = [[], []];
    let now = 0;
    for (const { kind, us } of steps) {
      now += us;
      if (kind === 'retry') {
        claim(lucky.allows(now), 'the luckiest draw is refused');
        // Evidence reaches back by a window and at most a slice of a twenty-fourth more.
        const least = within(attempts, now - WINDOW_US, now) - k * within(accepts, now - WINDOW_US * 1.05, now);
        const most = within(attempts, now - WINDOW_US * 1.05, now) - k * within(accepts, now - WINDOW_US, now);
        const isAllowed = strict.allows(now);
        claim(isAllowed ? least <= 0 : most > 0, 'refused without evidence, or let through against it', least, most);
        // A refused retry counts as a request.
        if (!isAllowed) attempts.push(now);
      } else {
        const accepted = kind === 'request';
        for (const budget of [strict, lucky]) budget.settled(now, leaseOf(0), accepted ? OK : FAILED);
        attempts.push(now);
        if (accepted) accepts.push(now);
      }
    }
    claim(strict.allows(now + 1.1 * WINDOW_US), 'a retry is refused after a quiet window');
  });
}
