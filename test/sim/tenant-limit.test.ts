import { describe, expect, it } from 'vitest';
import { endpoint, MS, runWorld, Script } from '../harness/world-builder.ts';

/** Requests that ask for 10 + 90 tokens and use 10 + 5, each of 10 ms. */
function askMuch(...instants: number[]): Script {
  const tokens = { promptTokens: 10, outputTokens: 5, maxOutputTokens: 90 };
  return new Script(instants.map((at) => ({ at: at * MS, ...tokens })));
}

function reasons(tokensPerMinute: number) {
  const rate = { name: 'tenant-limit', default: { tokensPerMinute, requestsPerMinute: 60 } };
  const { records, world } = runWorld({ workers: [endpoint()], workload: askMuch(0, 20, 40), policies: { rate } });
  return [...records.map(({ reason, cause }) => `${reason} ${cause}`), world.held()['gateway.charges']];
}

describe('a tenant limit in the world', () => {
  it('is settled to the tokens that the worker used, so that the next request is charged against the rest', () => {
    expect(reasons(130)).toEqual(['ok none', 'ok none', 'ok none', 0]);
    expect(reasons(129)).toEqual(['ok none', 'ok none', 'shed rate-limited', 0]);
  });

  it('counts what still runs as it was estimated', () => {
    const rate = { name: 'tenant-limit', default: { tokensPerMinute: 199, requestsPerMinute: 60 } };
    const { records } = runWorld({ workers: [endpoint()], workload: askMuch(0, 1), policies: { rate } });
    expect(records.map(({ cause }) => cause)).toEqual(['rate-limited', 'none']);
  });
});
