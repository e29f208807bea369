/**
 * One scenario in virtual time and over real sockets, under one `policies:` block. Where arrivals do not overlap the
 * decisions are equal, each attempt on the same worker; where they do, outcomes agree within bands.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makePolicies, policiesSchema, policyEntries } from '../../policies/index.ts';
import { packageRoot } from '../../src/lab/package-root.ts';
import { resolveVariant } from '../../src/lab/resolve.ts';
import { runScenario } from '../../src/lab/run.ts';
import { parseScenario } from '../../src/lab/scenario.ts';
import type { EngineFault } from '../../src/live/engine/engine-faults.ts';
import { LivePolicies } from '../../src/live/core/live-policies.ts';
import { FleetMemory } from '../../src/live/core/fleet-memory.ts';
import type { Proxy } from '../../src/live/proxy/proxy.ts';
import { filesUnder } from '../tidy/source.ts';
import { chat } from './clients.ts';
import { Stage, until } from './stage.ts';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

const WORKERS = 4;

interface Decisions {
  /** Request and worker of each attempt, in order. */
  readonly starts: (readonly [request: number, worker: number])[];
  /** By request. */
  readonly ends: string[];
}

interface Case {
  readonly policies: object;
  readonly arrivals: object;
  readonly requests: number;
  /** By worker, from the first request to the last. */
  readonly errors: readonly { readonly worker: number; readonly ratio: number; readonly status: number }[];
}

async function simulated({ policies, arrivals, requests, errors }: Case): Promise<Decisions> {
  const scenario = {
    ...{ name: 'both-worlds', why: 'To be run in both worlds.', source: 'made up' },
    fleet: [{ count: WORKERS }],
    workload: { kind: 'open', arrivals, requests, prompt: 20, output: 5 },
    faults: errors.map((fault) => ({ kind: 'errors', at: '0s', for: '1h', ...fault })),
    policies,
  };
  const resolved = resolveVariant(parseScenario(JSON.stringify(scenario), 'both-worlds.yaml'));
  const decisions: Decisions = { starts: [], ends: [] };
  await runScenario(resolved, {
    tap: {
      from: 0,
      to: Infinity,
      record: ({ kind, second, request }) => {
        if (kind === 'effect.start') decisions.starts.push([request, second]);
      },
    },
    onRecord: ({ id, reason, cause }) => {
      decisions.ends[id] = `${reason} ${cause}`;
    },
  });
  return decisions;
}

/** `pause` waits before each request but the first. */
async function live(each: Case, pause: (proxy: Proxy) => Promise<void>): Promise<Decisions> {
  const engines = [await stage.engine(), await stage.engine(), await stage.engine(), await stage.engine()];
  for (const { worker, ratio, status } of each.errors) {
    const fault: EngineFault = { kind: 'errors', ratio, status, retryAfter: Infinity, for: Infinity };
    engines[worker]?.faults.arm(fault);
  }
  const proxy = await stage.proxy(engines.map(({ url }) => url), { policies: each.policies });
  const decisions: Decisions = { starts: [], ends: [] };
  proxy.host.recorder = {
    input: () => undefined,
    cancel: () => undefined,
    settled: () => undefined,
    start: ({ request, worker }) => decisions.starts.push([request.id, worker.index]),
    finish: (request, reason, cause) => {
      decisions.ends[request] = `${reason} ${cause}`;
    },
  };
  const replies: Promise<unknown>[] = [];
  for (let i = 0; i < each.requests; i++) {
    if (i > 0) await pause(proxy);
    replies.push(chat(proxy.url).then((reply) => reply.text()));
  }
  await Promise.all(replies);
  return decisions;
}

const BACKOFF = { initialBackoff: '5ms', maxBackoff: '10ms', jitterFactor: 0, retryAfter: 'ignore' };
const RETRY = { name: 'exponential', maxAttempts: 3, ...BACKOFF };

describe('a scenario in both worlds', () => {
  it('has the same decisions, attempt by attempt, where requests do not overlap', async () => {
    const each: Case = {
      policies: {
        router: { name: 'round-robin' },
        retry: RETRY,
        gates: [{ name: 'breaker', failureThreshold: 3, openFor: '1h' }],
        timeouts: { worker: '50ms' },
      },
      arrivals: { process: 'constant', rate: 10 },
      requests: 25,
      errors: [
        { worker: 1, ratio: 1, status: 503 },
        { worker: 2, ratio: 1, status: 500 },
      ],
    };
    const inReality = await live(each, async (proxy) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      await until(() => proxy.held()['leases'] === 0 && proxy.held()['backingOff'] === 0);
    });
    const inTheory = await simulated(each);
    expect(inReality).toEqual(inTheory);
    expect(inTheory.starts.length).toBeGreaterThan(each.requests);
  });

  it('has outcomes within bands where they do overlap', async () => {
    const requests = 250;
    const each: Case = {
      policies: { retry: RETRY, excludeFailedWorkers: false },
      arrivals: { process: 'poisson', rate: 200 },
      requests,
      errors: [0, 1, 2, 3].map((worker) => ({ worker, ratio: 0.45, status: 503 })),
    };
    const [inTheory, inReality] = [await simulated(each), await live(each, () => new Promise((r) => setTimeout(r, 5)))];
    const good = ({ ends }: Decisions): number => ends.filter((end) => end.startsWith('ok')).length / requests;
    const amplification = ({ starts }: Decisions): number => starts.length / requests;
    // Four standard deviations of the difference: 1 - 0.45³ are good, with 1 + 0.45 + 0.45² attempts.
    expect(Math.abs(good(inReality) - good(inTheory))).toBeLessThan(0.11);
    expect(Math.abs(amplification(inReality) - amplification(inTheory))).toBeLessThan(0.3);
    expect(inReality.ends).toHaveLength(requests);
  });
});

describe('the policies of both worlds', () => {
  const ROLES = 'Router|Gate|Queue|Retry|Capacity|RateLimit|Health|RetryBudget|Salvage|RequestAdmission|TaskScheduling';
  /** Each stands for a policy of `policies/` that may be replaced by another. */
  const STAND_INS = ['gate-group', 'queue-succession', 'rate-succession'].map((name) => `src/live/core/${name}.ts`);

  it('have no second implementation', () => {
    const implementing = filesUnder('src').filter((path) => {
      const text = path.endsWith('.ts') ? readFileSync(join(packageRoot(), path), 'utf8') : '';
      return new RegExp(`implements [^{]*\\b(?:${ROLES})\\b`).test(text);
    });
    expect(implementing.sort()).toEqual(STAND_INS);
  });

  it('are made by the same code from the same block', () => {
    const written = { gates: [{ name: 'breaker' }, { name: 'busy' }], capacity: { name: 'aimd' } };
    const config = policiesSchema(policyEntries).parse(written);
    const made = makePolicies(config, () => () => 0.5);
    const settings = { config, written, retrySent: true };
    const inLive = new LivePolicies({ settings, seed: 's', entries: policyEntries }, new FleetMemory());
    expect(inLive.gates.gates.map(({ gate }) => gate.constructor)).toEqual(made.gates.map((gate) => gate.constructor));
    expect(inLive.capacity.constructor).toBe(made.capacity.constructor);
  });
});
