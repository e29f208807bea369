import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shippedScenarios } from '../../src/lab/catalog.ts';
import { canonicalJson } from '../../src/lab/canonical-hash.ts';
import { resolveVariant, resolveVariants, type ResolveOptions } from '../../src/lab/resolve.ts';
import { loadScenario, parseScenario } from '../../src/lab/scenario.ts';
import { scenarioJsonSchema, scenarioSchema } from '../../src/lab/scenario-schema.ts';
import { MINIMAL, scenarioMessage, scenarioOf } from './scenario-texts.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-resolve-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const hash = (text: string, options: ResolveOptions = {}) => {
  return resolveVariant(scenarioOf(text), 'base', options).hash;
};

describe('a minimal scenario', () => {
  it('resolves to the documented defaults', () => {
    const { config, workload, policies } = resolveVariant(scenarioOf());
    expect(config.workers).toHaveLength(2);
    expect(config.workers[0]).toEqual({
      model: 'engine',
      maxRunning: 256,
      maxBatchedTokens: 2048,
      blocks: 16384,
      blockTokens: 16,
      maxModelTokens: Infinity,
      maxWaiting: Infinity,
      chunkedPrefill: true,
      prefixCache: true,
      timing: { kind: 'affine', baseUs: 10_700, perTokenUs: 33.7, perKvTokenUs: 0.0856 },
    });
    expect({ ...config, workers: [] }).toEqual({
      seed: 1,
      workers: [],
      network: { clientUs: 250, workerUs: 250 },
      reports: { everyUs: 1e6, delayUs: 0, lossRatio: 0, duplicateRatio: 0, stamps: 'gateway' },
      detectionUs: 10e6,
      clientTimeoutUs: Infinity,
      host: { inputUs: 0, selectionUs: 0, bookkeepingUs: 0, queuedUs: 0, startUs: 0, resolutionUs: 0 },
      faults: [],
      dataset: undefined,
      limits: { drainUs: 3600e6, eventsMax: Infinity, warmupUs: 0 },
      slo: { ttftUs: Infinity, tpotUs: Infinity, e2eUs: Infinity },
      check: false,
      fastForward: true,
    });
    const bounds = { requests: 5, durationUs: Infinity };
    expect(workload).toMatchObject({ kind: 'open', prompt: { value: 100 }, ...bounds });
    expect(policies.router.name).toBe('power-of-two');
  });

  it('expands faults of all workers, in order', () => {
    const text = `${MINIMAL}faults: [{kind: slow, worker: all, at: 1ms, for: 2ms, factor: 3}]\n`;
    const window = { kind: 'slow', at: 1000, forUs: 2000, factor: 3 };
    const { faults } = resolveVariant(scenarioOf(text)).config;
    expect(faults).toEqual([
      { ...window, worker: 0 },
      { ...window, worker: 1 },
    ]);
  });

  it('names the columns of a dataset that only counts them', () => {
    const dataset = 'workload: {kind: dataset, rows: 3, columns: 2, prompt: 5, output: 6}\n';
    const { config, workload } = resolveVariant(scenarioOf(MINIMAL.replace(/workload:[^]*/, dataset)));
    expect(workload).toBeUndefined();
    const { plan, settings } = config.dataset ?? {};
    expect(plan?.columns.map((column) => [column.name, column.generator.weight])).toEqual([
      ['column1', 4],
      ['column2', 4],
    ]);
    expect(plan?.rowGroups).toEqual([{ id: 0, rows: 3 }]);
    expect(settings).toMatchObject({ rowGroupsMax: 3, shutdown: { errorRatio: 0.5, window: 10 } });
  });

  it('reads an endpoint and durations below a microsecond exactly', () => {
    const endpoint = '- endpoint: {maxRunning: 1, service: {dist: exponential, mean: 20ms}}';
    const text = MINIMAL.replace('- count: 2', endpoint);
    const { config } = resolveVariant(scenarioOf(`${text}host: {queued: 85.6ns, start: 1.90415us}\n`));
    const serviceUs = { dist: 'exponential', mean: 20_000, min: 0, max: Infinity };
    expect(config.workers).toEqual([{ model: 'endpoint', maxRunning: 1, maxWaiting: Infinity, serviceUs }]);
    expect(config.host).toMatchObject({ queuedUs: 0.0856, startUs: 1.90415, resolutionUs: 0 });
  });
});

describe('overrides', () => {
  const text = `${MINIMAL}variants: {wide: {set: {fleet.0.count: 3, seed: 7}}}\n`;

  it('apply in the order variant, --trace, --set, --seed', () => {
    const scenario = scenarioOf(text);
    expect(resolveVariant(scenario, 'wide').config).toMatchObject({ seed: 7, workers: { length: 3 } });
    const set = ['fleet.0.count=4', 'seed=8'];
    const { config } = resolveVariant(scenario, 'wide', { set });
    expect(config).toMatchObject({ seed: 8, workers: { length: 4 } });
    expect(resolveVariant(scenario, 'wide', { set, seed: 9 }).config.seed).toBe(9);
    const trace = join(folder, 'order.csv');
    writeFileSync(trace, 'a\n');
    const { workload } = resolveVariant(scenario, 'wide', { trace, set: ['workload.speed=2'] });
    expect(workload).toMatchObject({ kind: 'trace', path: trace, speed: 2 });
  });

  it('reach into a policy that the scenario leaves to its default', () => {
    const { policies } = resolveVariant(scenarioOf(), 'base', { set: ['policies.queue.size=3'] });
    expect(policies.queue).toMatchObject({ name: 'fifo', size: 3 });
  });

  it('take flow collections and add entries at the end of a list', () => {
    const set = ['fleet.1={count: 1, engine: {blocks: 99}}', 'slo={ttft: 1s}'];
    const { config } = resolveVariant(scenarioOf(), 'base', { set });
    expect(config.workers[2]).toMatchObject({ blocks: 99 });
    expect(config.slo.ttftUs).toBe(1e6);
  });

  it.each([
    [
      'fleet.0.count=0',
      '--set fleet.0.count=0: fleet.0.count: value 0; allowed a whole number from 1 to 10000',
    ],
    [
      'fleet.0.cuont=1',
      '--set fleet.0.cuont=1: fleet.0.cuont: unknown key; allowed count, engine, disaggregated, endpoint',
    ],
    [
      'fleet.0.count.x=1',
      '--set fleet.0.count.x=1: fleet.0.count.x: fleet.0.count is the single value 2; ' +
        'allowed fleet.0.count=VALUE',
    ],
    ['fleet.x=1', "--set fleet.x=1: fleet.x: 'x' is no index of fleet; allowed 0 to 0, or 1 to add one"],
    ['fleet', '--set: value "fleet"; allowed path=value'],
    ['=1', '--set: value "=1"; allowed path=value'],
    ['a..b=1', '--set: value "a..b=1"; allowed path=value'],
    ['seed=', '--set seed=: no value; allowed path=value'],
    ['seed={a', '--set seed: value "{a": not YAML'],
    ['seed=!!int 3', '--set seed: value "!!int 3": tag'],
    ['name=x', '--set name=x: name: cannot be overridden'],
    ['__proto__.x=1', '--set: value "__proto__.x=1"; allowed path=value'],
  ])('are refused with the flag, the value and what is allowed: --set %s', (set, message) => {
    const refused = scenarioMessage(() => resolveVariant(scenarioOf(text), 'base', { set: [set] }));
    expect(refused).toContain(message);
  });

  it('are refused for a variant that does not exist, with the nearest name', () => {
    expect(scenarioMessage(() => resolveVariant(scenarioOf(text), 'wade'))).toBe(
      'x.yaml: variant "wade"; allowed base, wide (did you mean \'wide\'?)',
    );
  });

  it('are refused for a trace that is not there or is a folder', () => {
    const refused = (trace: string) => scenarioMessage(() => resolveVariant(scenarioOf(), 'base', { trace }));
    expect(refused('nope.csv')).toBe(
      '--trace: value "nope.csv": no such file; allowed a trace file that can be read',
    );
    expect(refused(folder)).toContain('it is no regular file');
  });
});

describe('the scenario hash', () => {
  it('is one for all variants, while each world has its own', () => {
    const scenario = scenarioOf(`${MINIMAL}variants: {same: {set: {}}, wide: {set: {fleet.0.count: 3}}}\n`);
    const [base, same, wide] = resolveVariants(scenario, ['base', 'same', 'wide']);
    expect(new Set([base?.hash, same?.hash, wide?.hash, resolveVariant(scenario, 'wide').hash]).size).toBe(1);
    expect(same?.worldHash).toBe(base?.worldHash);
    expect(wide?.worldHash).not.toBe(base?.worldHash);
  });

  it.each([
    ['layout and comments', MINIMAL.replace('requests: 5', 'requests:   5 # five')],
    ['the order of keys', MINIMAL.replace(/(name: .*\n)(why: .*\n)/, '$2$1')],
    ['prose', MINIMAL.replace('made up', 'found')],
    ['a default written out', `${MINIMAL}limits: {drain: 60m}\n`],
    ['expectations', `${MINIMAL}expect: [{path: failed, equals: 0}]\n`],
    ['the seed', `${MINIMAL}seed: 5\n`],
  ])('does not depend on %s', (_, text) => {
    expect(hash(text)).toBe(hash(MINIMAL));
  });

  it('depends on every setting of the world', () => {
    const changed = ['fleet.0.count=3', 'network.client=1ms', 'reports.every=none', 'health.detection=none'];
    changed.push('host.input=1ns', 'workload.prompt=101', 'clientTimeout=1s', 'policies.queue.size=1');
    changed.push('faults=[{kind: stall, at: 1s, for: 1s}]', 'slo.ttft=1s', 'limits.events=9');
    const hashes = changed.map((setting) => hash(MINIMAL, { set: [setting] }));
    expect(new Set([hash(MINIMAL), ...hashes]).size).toBe(changed.length + 1);
  });

  it('counts a trace by its content, not by its name', () => {
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const one = hash(MINIMAL, { trace: file('one.csv', 'a\n1\n') });
    expect(hash(MINIMAL, { trace: file('copy.csv', 'a\n1\n') })).toBe(one);
    expect(hash(MINIMAL, { trace: file('other.csv', 'a\n2\n') })).not.toBe(one);
  });

  it('is over JSON that no order of insertion changes', () => {
    const value = fc.oneof(fc.integer(), fc.string(), fc.constant(Infinity));
    fc.assert(
      fc.property(fc.dictionary(fc.string(), value), (data) => {
        const reversed = Object.fromEntries(Object.entries(data).reverse());
        expect(canonicalJson(reversed)).toBe(canonicalJson(data));
      }),
      { seed: 42, numRuns: 200 },
    );
  });
});

describe('a trace of a scenario', () => {
  it("is found from the scenario's folder", () => {
    writeFileSync(join(folder, 't.csv'), 'a\n');
    const text = MINIMAL.replace(/workload:[^]*/, 'workload: {kind: trace, path: t.csv}\n');
    const { workload } = resolveVariant(parseScenario(text, join(folder, 's.yaml')));
    const path = join(folder, 't.csv');
    expect(workload).toMatchObject({ kind: 'trace', path, format: 'auto', requests: Infinity });
    expect(scenarioMessage(() => resolveVariant(scenarioOf(text)))).toBe(
      'x.yaml:6:25 workload.path: value "t.csv": no such file; allowed a trace file that can be read',
    );
  });
});

describe('shipped scenarios', () => {
  it.each(shippedScenarios())('%s resolves with every variant', async (file) => {
    const scenario = await loadScenario(file);
    const names = ['base', ...scenario.variantNames];
    expect(resolveVariants(scenario, names).map(({ variant }) => variant)).toEqual(names);
  });

  it('use keys that the JSON Schema has', async () => {
    const { properties } = scenarioJsonSchema() as { properties: Record<string, unknown> };
    expect(Object.keys(properties)).toEqual(Object.keys(scenarioSchema.shape));
    for (const file of shippedScenarios()) {
      const { yaml } = await loadScenario(file);
      for (const key of Object.keys(yaml.value as object)) expect(properties).toHaveProperty(key);
    }
  });
});

describe('the JSON Schema', () => {
  it('describes every property and refuses unknown ones', () => {
    const undescribed: string[] = [];
    visit(scenarioJsonSchema(), '', undescribed);
    expect(undescribed).toEqual([]);
  });
});

/** Collects the paths of properties without a description, and of objects that allow unknown keys. */
function visit(schema: unknown, path: string, found: string[]): void {
  if (typeof schema !== 'object' || schema === null) return;
  const { properties, additionalProperties } = schema as {
    properties?: Record<string, unknown>;
    additionalProperties?: unknown;
  };
  if (properties !== undefined) {
    if (additionalProperties !== false) found.push(`${path} allows unknown keys`);
    for (const [name, property] of Object.entries(properties)) {
      const { description, const: literal } = property as { description?: string; const?: unknown };
      if (description === undefined && literal === undefined) found.push(`${path}.${name}`);
    }
  }
  for (const [key, value] of Object.entries(schema)) visit(value, `${path}/${key}`, found);
}
