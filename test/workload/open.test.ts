import { describe, expect, it } from 'vitest';
import type { Arrival } from '../../src/workload/arrival.ts';
import type { OpenWorkloadConfig } from '../../src/workload/config.ts';
import { OpenWorkload } from '../../src/workload/open.ts';
import { openConfig, taken } from './shapes.ts';

const PREFIX = { groups: 4, tokens: 256, share: 0.5, blockTokens: 16 };
const TENANTS = [
  { name: 'batch', weight: 1, priority: 5 },
  { name: 'chat', weight: 3, priority: 0 },
];

function arrivals(over: Partial<OpenWorkloadConfig> = {}, seed: number | string = 1): Arrival[] {
  return taken(new OpenWorkload(openConfig(over), seed));
}

function part<K extends keyof Arrival>(key: K, over: Partial<OpenWorkloadConfig> = {}): Arrival[K][] {
  return arrivals({ prefix: PREFIX, tenants: TENANTS, ...over }).map((arrival) => arrival[key]);
}

describe('OpenWorkload', () => {
  it('gives the same arrivals for the same seed and others for another', () => {
    const config = { prefix: PREFIX, tenants: TENANTS };
    expect(arrivals(config, 'a')).toEqual(arrivals(config, 'a'));
    expect(arrivals(config, 'a').map((x) => x.at)).not.toEqual(arrivals(config, 'b').map((x) => x.at));
  });

  it('announces the time of each arrival before it is taken', () => {
    const workload = new OpenWorkload(openConfig(), 1);
    while (!workload.ended()) {
      const at = workload.nextAt();
      expect(workload.take().at).toBe(at);
    }
    expect(workload.nextAt()).toBe(Infinity);
  });

  it('shifts nothing else when the prompt distribution changes', () => {
    const prompt = { dist: 'gamma', mean: 900, cv: 2, min: 300, max: 9000 } as const;
    expect(part('promptTokens', { prompt })).not.toEqual(part('promptTokens'));
    for (const key of ['at', 'outputTokens', 'tenant', 'hashIds'] as const) {
      expect(part(key, { prompt }).length).toBe(500);
      if (key !== 'hashIds') expect(part(key, { prompt })).toEqual(part(key));
    }
    const groupOf = (ids: readonly number[]): number => Math.floor((ids[0] ?? -16) / 16);
    const pairs = part('hashIds', { prompt }).map((ids, i) => [ids, part('hashIds')[i] as readonly number[]] as const);
    const both = pairs.filter(([a, b]) => a.length > 0 && b.length > 0);
    expect(both.length).toBeGreaterThan(200);
    expect(both.every(([a, b]) => groupOf(a) === groupOf(b))).toBe(true);
  }, 20_000);

  it('shifts nothing else when the arrival process, the prefix or the tenants change', () => {
    const process = { arrivals: { process: 'gamma', ratePerSec: 9, cv: 3 } } as const;
    expect(part('promptTokens', process)).toEqual(part('promptTokens'));
    expect(part('hashIds', process)).toEqual(part('hashIds'));
    expect(part('at', { prefix: undefined })).toEqual(part('at'));
    expect(part('tenant', { prefix: { ...PREFIX, share: 0.1 } })).toEqual(part('tenant'));
    const tenants = [...TENANTS, { name: 'third', weight: 2, priority: 0 }];
    expect(part('outputTokens', { tenants })).toEqual(part('outputTokens'));
    expect(part('hashIds', { tenants })).toEqual(part('hashIds'));
  });

  it('ends after the number of requests', () => {
    expect(arrivals({ requests: 7 })).toHaveLength(7);
    expect(arrivals({ requests: 0 })).toHaveLength(0);
  });

  it('sends nothing at or after its duration', () => {
    const constant = { process: 'constant', ratePerSec: 10 } as const;
    const at = arrivals({ arrivals: constant, requests: Infinity, durationUs: 1e6 }).map((x) => x.at);
    expect(at).toHaveLength(10);
    expect(at.at(-1)).toBe(900_000);
  });

  it('ends at whichever bound comes first', () => {
    const constant = { process: 'constant', ratePerSec: 10 } as const;
    expect(arrivals({ arrivals: constant, requests: 4, durationUs: 1e6 })).toHaveLength(4);
    expect(arrivals({ arrivals: constant, requests: 40, durationUs: 1e6 })).toHaveLength(10);
  });

  it('refuses to be unbounded', () => {
    expect(() => new OpenWorkload(openConfig({ requests: Infinity }), 1)).toThrow('finite bound');
  });

  it('knows its total only when nothing but the count can end it', () => {
    const once = { process: 'bursts', ratePerSec: 0, burstSize: 3, everyUs: Infinity, firstAt: 0 } as const;
    expect(new OpenWorkload(openConfig(), 1).total()).toBe(500);
    expect(new OpenWorkload(openConfig({ durationUs: 1e9 }), 1).total()).toBeUndefined();
    expect(new OpenWorkload(openConfig({ arrivals: once }), 1).total()).toBeUndefined();
    expect(arrivals({ arrivals: once })).toHaveLength(3);
  });

  it('asserts that something is left to take', () => {
    const workload = new OpenWorkload(openConfig({ requests: 0 }), 1);
    expect(() => workload.take()).toThrow('no arrival to take');
  });

  it('keeps the arrivals of seed 42 as they are', () => {
    const first = arrivals({ prefix: PREFIX, tenants: TENANTS, requests: 3 }, 42);
    const brief = first.map((x) => [x.at, x.promptTokens, x.outputTokens, x.tenant, x.hashIds[0] ?? -1]);
    expect(brief).toMatchInlineSnapshot(`
      [
        [
          8096,
          770,
          340,
          "batch",
          -1,
        ],
        [
          9529,
          667,
          30,
          "batch",
          0,
        ],
        [
          33073,
          218,
          92,
          "chat",
          48,
        ],
      ]
    `);
  });
});
