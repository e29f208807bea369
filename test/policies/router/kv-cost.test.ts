/** What a worker's past costs a prompt: the prefill that is booked, what is forgotten and when, and what is drawn. */
import { describe, expect, it } from 'vitest';
import type { KvCostConfig } from '../../../policies/router/config.ts';
import { KvCost, kvCost, softmaxIndex } from '../../../policies/router/kv-cost.ts';
import type { RequestView, WorkerView } from '../../../policies/types.ts';
import { loadReport, requestView, scripted, workerView } from '../views.ts';

const fleet = (...indexes: number[]): WorkerView[] => indexes.map((index) => workerView({ index }));
/** A prompt of 16 tokens a block. */
const prompt = (id: number, ...blockHashes: number[]) =>
  requestView({ id, blockHashes, promptTokens: 16 * blockHashes.length });
const make = (fields: Partial<KvCostConfig> = {}, ...draws: number[]) =>
  new KvCost({ ...kvCost.config.parse({ name: 'kv-cost' }), ...fields }, scripted(...draws));

/** Sends the request to the worker: its choice among one, and the lease. */
function send(router: KvCost, request: RequestView, worker: number, now = 0): void {
  router.pick(now, request, fleet(worker));
  router.granted(now, { id: request.id, request, worker: workerView({ index: worker }), startedAt: now });
}

describe('KvCost: what a lease books', () => {
  it('books the prefill that the chosen worker does not hold already', () => {
    const router = make();
    send(router, prompt(1, 1, 2), 0);
    // 2 blocks to compute, 2 held.
    expect(router.costs(0, prompt(9, 7), fleet(0, 1))).toEqual([2 + 1 + 2 + 1, 1 + 1]);
    send(router, prompt(2, 1, 2, 3, 4, 5), 0);
    // 3 of 5 blocks more to compute, 5 more held.
    expect(router.costs(0, prompt(9, 7), fleet(0))).toEqual([2 + 3 + 1 + 2 + 5 + 1]);
  });

  it('books the whole prompt of a lease that it did not choose for', () => {
    const router = make();
    send(router, prompt(1, 1, 2), 0);
    const request = prompt(2, 1, 2);
    router.granted(0, { id: 2, request, worker: workerView({ index: 0 }), startedAt: 0 });
    expect(router.costs(0, prompt(9, 7), fleet(0))).toEqual([2 + 2 + 1 + 2 + 2 + 1]);
  });
});

describe('KvCost: what it remembers', () => {
  /** Blocks to compute of a prompt of three that worker 0 was sent before, less its own three. */
  const prefill = (router: KvCost, now = 0) => (router.costs(now, prompt(9, 1, 2, 3), fleet(0))[0] as number) - 3;
  const taught = (fields: Partial<KvCostConfig> = {}) => {
    const router = make(fields);
    router.pick(0, prompt(1, 1, 2, 3), fleet(0));
    return router;
  };

  it('forgets the longest unused blocks beyond its bound', () => {
    const router = taught({ blocksMax: 3 });
    expect(prefill(router)).toBe(0);
    router.pick(1, prompt(2, 8), fleet(0));
    expect(prefill(router)).toBe(1);
  });

  it('forgets the prefixes of a worker that failed, and of no worker in another state', () => {
    const router = taught();
    for (const status of ['ready', 'not-ready', 'pending'] as const) {
      router.statusChanged(0, 0, status);
      expect(prefill(router)).toBe(0);
    }
    router.statusChanged(0, 1, 'failed');
    expect(prefill(router)).toBe(0);
    router.statusChanged(0, 0, 'failed');
    expect(prefill(router)).toBe(3);
  });

  it('forgets the prefixes and the reports of a worker that left, so that its index begins anew', () => {
    const router = taught();
    for (const worker of [0, 1]) router.reported(0, worker, 0, loadReport({ prefillTokens: 32 }));
    router.discovered(0, [0, 1]);
    expect(router.costs(0, prompt(9, 1, 2, 3), fleet(0, 1))).toEqual([2 + 3, 2 + 3 + 3]);
    router.discovered(0, [1]);
    expect(router.costs(0, prompt(9, 1, 2, 3), fleet(0, 1))).toEqual([3 + 3, 2 + 3 + 3]);
  });

  it('forgets what ranks that exist no more reported', () => {
    const router = make();
    for (const rank of [0, 1]) router.reported(0, 0, rank, loadReport({ prefillTokens: 32 }));
    expect(router.costs(0, prompt(9, 7), fleet(0))).toEqual([2 + 2 + 1 + 1]);
    router.configured(0, 0, 1);
    expect(router.costs(0, prompt(9, 7), fleet(0))).toEqual([2 + 1 + 1]);
  });
});

describe('KvCost: the choice', () => {
  it('takes the least cost without a draw, wherever it stands', () => {
    for (const [idle, position] of [[0, 0], [1, 1], [2, 2]] as const) {
      const router = make();
      for (const worker of [0, 1, 2]) if (worker !== idle) send(router, prompt(worker + 1, worker + 1), worker);
      expect(router.pick(0, prompt(9, 7), fleet(0, 1, 2))).toBe(position);
    }
  });

  it('draws among the least alone, also when a dearer one came first', () => {
    const router = make({}, 0, 0.99);
    send(router, prompt(1, 1), 0);
    expect(router.pick(0, prompt(8, 7), fleet(0, 1, 2))).toBe(1);
    router.statusChanged(0, 1, 'failed');
    expect(router.pick(0, prompt(9, 7), fleet(0, 1, 2))).toBe(2);
  });

  it('draws by temperature, so that a dearer worker gets its part, and draws nothing for one candidate', () => {
    const [router, lone] = [make({ temperature: 1 }, 0.7, 0.8), make({ temperature: 1 })];
    for (const each of [router, lone]) send(each, prompt(1, 1), 0);
    // The cheaper is e times as likely: 27 % and 73 %, the dearer first.
    expect(router.pick(0, prompt(2, 7), fleet(1, 0))).toBe(0);
    expect(router.pick(0, prompt(3, 8), fleet(1, 0))).toBe(1);
    expect(lone.pick(0, prompt(2, 7), fleet(0))).toBe(0);
  });

  it.each([
    // Costs count by their distance from the least: as for 0, 3 and 9, whose parts are 48, 34 and 18 %.
    [[100, 103, 109], 1, 0.47, 0],
    [[100, 103, 109], 1, 0.5, 1],
    [[100, 103, 109], 1, 0.81, 1],
    [[100, 103, 109], 1, 0.83, 2],
    // At 2: 41, 35 and 25 %.
    [[0, 3, 9], 2, 0.7, 1],
    [[0, 3, 9], 2, 0.77, 2],
    // At 2: 1, e^-0.5 — 62 and 38 %; at 0.5: 1, e^-2 — 88 and 12 %.
    [[5, 8], 2, 0.61, 0],
    [[5, 8], 2, 0.63, 1],
    [[5, 8], 0.5, 0.87, 0],
    [[5, 8], 0.5, 0.89, 1],
  ])('draws from the softmax of %j at temperature %d with %d: %d', (costs, temperature, draw, position) => {
    expect(softmaxIndex(costs, temperature, draw)).toBe(position);
  });

  it('takes the last where the parts, rounded, do not add up to the draw', () => {
    // Of 38 parts the sum is 5.6e-16 below one.
    const costs = Array.from({ length: 38 }, (_, cost) => cost);
    expect(softmaxIndex(costs, 2, 1 - 2 ** -53)).toBe(37);
  });
});
