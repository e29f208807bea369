/** Routers that remember much tell their state up to a bound, and beyond it say that they cannot. */
import { describe, expect, it } from 'vitest';
import { type PolicyEntry, policyEntries } from '../../../policies/index.ts';
import type { RequestView, Router } from '../../../policies/types.ts';
import { requestView, workerView } from '../views.ts';

function router(name: string): Router {
  const entry = policyEntries.find(
    (each): each is PolicyEntry<'router'> => each.role === 'router' && each.name === name,
  );
  return entry?.make(entry.config.parse({ name }), { rng: () => 0 }) as Router;
}

/** A request of a prompt that nobody shares; `id` from 1. */
function promptOf(id: number, blocks: number): RequestView {
  return requestView({ id, blockHashes: Array.from({ length: blocks }, (_, at) => id * 1e6 + at), blockTokens: 64 });
}

const WORKERS = [workerView({ index: 0 }), workerView({ index: 1 })];

describe.each(['cache-aware', 'kv-cost'])('%s', (name) => {
  it('tells up to 131,072 blocks of all its workers together', () => {
    const asked = router(name);
    for (let id = 1; id <= 128; id++) asked.pick(id, promptOf(id, 1024), WORKERS);
    expect(asked.snapshot?.()).toBeDefined();
    asked.pick(129, promptOf(129, 1), WORKERS);
    expect(asked.snapshot?.()).toBeUndefined();
  });
});

describe('manual', () => {
  it('tells up to 65,536 keys', () => {
    const asked = router('manual');
    for (let key = 0; key < 65_536; key++) asked.pick(key, requestView({ routingKey: `k${key}` }), WORKERS);
    expect(asked.snapshot?.()).toBeDefined();
    asked.pick(65_536, requestView({ routingKey: 'one more' }), WORKERS);
    expect(asked.snapshot?.()).toBeUndefined();
  });
});
