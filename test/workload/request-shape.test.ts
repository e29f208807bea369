import { describe, expect, it } from 'vitest';
import type { Arrival } from '../../src/workload/arrival.ts';
import type { OpenWorkloadConfig } from '../../src/workload/config.ts';
import { RequestShape } from '../../src/workload/request-shape.ts';
import { openConfig } from './shapes.ts';

const PREFIX = { groups: 3, tokens: 100, share: 1, blockTokens: 16 };
const COUNT = 10_000;

function requests(over: Partial<OpenWorkloadConfig>, count: number): Arrival[] {
  const shape = new RequestShape(openConfig(over), 1, 'workload');
  return Array.from({ length: count }, (_, i) => shape.next(i, -1));
}

/** Four standard errors of a share `p` seen in COUNT draws. */
function slack(p: number): number {
  return 4 * Math.sqrt((p * (1 - p)) / COUNT);
}

describe('RequestShape', () => {
  it('gives prompts of at least one token and outputs of at least none', () => {
    const prompt = { dist: 'normal', mean: 0, sd: 5, min: -50, max: 50 } as const;
    const asked = requests({ prompt, output: prompt }, 1000);
    expect(Math.min(...asked.map((x) => x.promptTokens))).toBe(1);
    expect(Math.min(...asked.map((x) => x.outputTokens))).toBe(0);
    expect(asked.every((x) => x.maxOutputTokens === x.outputTokens)).toBe(true);
  });

  it('shares nothing without a prefix', () => {
    expect(requests({}, 5).every((x) => x.hashIds.length === 0 && x.hashBlockTokens === 0)).toBe(true);
  });

  it('gives one id for each whole block of the prefix, distinct between groups', () => {
    const asked = requests({ prompt: { dist: 'constant', value: 500 }, prefix: PREFIX }, 200);
    const texts = new Set(asked.map((x) => x.hashIds.join()));
    expect([...texts].sort()).toEqual(['0,1,2,3,4,5', '12,13,14,15,16,17', '6,7,8,9,10,11']);
    expect(asked.every((x) => x.hashBlockTokens === 16)).toBe(true);
  });

  it('cuts the shared prefix to the whole blocks of a shorter prompt', () => {
    const [first] = requests({ prompt: { dist: 'constant', value: 47 }, prefix: { ...PREFIX, groups: 1 } }, 1);
    expect(first).toMatchObject({ promptTokens: 47, hashIds: [0, 1], hashBlockTokens: 16 });
    const [tiny] = requests({ prompt: { dist: 'constant', value: 15 }, prefix: PREFIX }, 1);
    expect(tiny).toMatchObject({ hashIds: [], hashBlockTokens: 0 });
  });

  it('shares a prefix in the portion asked for, each group equally often', () => {
    const asked = requests({ prompt: { dist: 'constant', value: 500 }, prefix: { ...PREFIX, share: 0.3 } }, COUNT);
    const sharing = asked.filter((x) => x.hashIds.length > 0);
    expect(Math.abs(sharing.length / COUNT - 0.3)).toBeLessThan(slack(0.3));
    for (const group of [0, 6, 12]) {
      const share = sharing.filter((x) => x.hashIds[0] === group).length / COUNT;
      expect(Math.abs(share - 0.1)).toBeLessThan(slack(0.1));
    }
  });

  it('keeps the group of every request when the portion that shares changes', () => {
    const prompt = { dist: 'constant', value: 500 } as const;
    const all = requests({ prompt, prefix: PREFIX }, 300);
    const some = requests({ prompt, prefix: { ...PREFIX, share: 0.3 } }, 300);
    expect(some.every((x, i) => x.hashIds.length === 0 || x.hashIds[0] === all[i]?.hashIds[0])).toBe(true);
  });

  it('draws tenants by weight and gives each its priority', () => {
    const tenants = [
      { name: 'a', weight: 1, priority: 2 },
      { name: 'b', weight: 4, priority: 7 },
      { name: 'c', weight: 5, priority: 0 },
    ];
    const asked = requests({ tenants }, COUNT);
    for (const tenant of tenants) {
      const own = asked.filter((x) => x.tenant === tenant.name);
      expect(Math.abs(own.length / COUNT - tenant.weight / 10)).toBeLessThan(slack(tenant.weight / 10));
      expect(own.every((x) => x.priority === tenant.priority)).toBe(true);
    }
  });

  it('lets a tenant come and go, and draws its own lengths without moving those of others', () => {
    const alone = [{ name: 'usual', weight: 1, priority: 0 }];
    const prompt = { dist: 'constant', value: 7 };
    const guest = { name: 'guest', weight: 3, priority: 0, fromUs: 100, toUs: 200, prompt };
    const asked = requests({ tenants: [...alone, guest as never] }, 300);
    const usual = requests({ tenants: alone }, 300);
    asked.forEach(({ tenant, at, promptTokens, outputTokens }, i) => {
      if (tenant === 'guest') expect([at >= 100 && at < 200, promptTokens]).toEqual([true, 7]);
      else expect(promptTokens).toBe(usual[i]?.promptTokens);
      expect(outputTokens).toBe(usual[i]?.outputTokens);
    });
    const guests = asked.filter(({ tenant }) => tenant === 'guest').length;
    expect(guests).toBeGreaterThan(50);
    expect(guests).toBeLessThan(100);
  });

  it('refuses tenants without weight', () => {
    expect(() => requests({ tenants: [{ name: 'a', weight: 0, priority: 0 }] }, 1)).toThrow('weigh more than 0');
    expect(() => requests({ tenants: [] }, 1)).toThrow('weigh more than 0');
  });
});
