import { describe, expect, it } from 'vitest';
import { HASH_BLOCK_TOKENS, PROMPT_TOKENS, routingStage } from '../../src/truth/routing-workload.ts';

describe("a stage of llm-d's benchmark", () => {
  const stage = routingStage(10, 60, 1);
  const offered = stage.requests.slice(stage.warmUp);

  it('sends every prompt once before it begins', () => {
    const seen = stage.requests.slice(0, stage.warmUp).map(({ hashIds }) => hashIds.join());
    expect(seen).toHaveLength(249);
    expect(new Set(seen).size).toBe(249);
    expect(stage.requests[stage.warmUp - 1]?.at).toBeLessThan(stage.startAt);
    expect(new Set([...seen, ...offered.map(({ hashIds }) => hashIds.join())]).size).toBe(249);
  });

  it('offers the rate, in order, from its start on', () => {
    expect(offered).toHaveLength(600);
    const instants = offered.map(({ at }) => at);
    expect([...instants].sort((a, b) => a - b)).toEqual(instants);
    expect(instants[0]).toBeGreaterThanOrEqual(stage.startAt);
    const seconds = ((instants.at(-1) ?? 0) - stage.startAt) / 1e6;
    expect(offered.length / seconds).toBeGreaterThan(9);
    expect(offered.length / seconds).toBeLessThan(11);
  });

  it('shares sixteen of the eighteen blocks in each group of three prompts', () => {
    expect(PROMPT_TOKENS).toBe(18 * HASH_BLOCK_TOKENS);
    const groups = new Map<number, Set<string>>();
    for (const { hashIds } of stage.requests) {
      expect(hashIds).toHaveLength(18);
      const first = hashIds[0] as number;
      groups.set(first, (groups.get(first) ?? new Set()).add(hashIds.slice(0, 16).join()));
    }
    expect(groups.size).toBe(83);
    for (const prefixes of groups.values()) expect(prefixes.size).toBe(1);
  });

  it('gives one worker its share of the rate and of the groups', () => {
    const part = routingStage(10, 60, 1, 0.25, 0.25);
    expect(part.warmUp).toBe(63);
    expect(part.requests).toHaveLength(63 + 150);
  });
});
