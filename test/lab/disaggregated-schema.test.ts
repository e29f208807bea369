import { describe, expect, it } from 'vitest';
import { fleetSchema, workerConfigs } from '../../src/lab/fleet-schema.ts';
import { resolveVariant } from '../../src/lab/resolve.ts';
import { parseScenario } from '../../src/lab/scenario.ts';

function configOf(disaggregated: object) {
  const [config] = workerConfigs(fleetSchema.parse([{ disaggregated }]));
  if (config?.model !== 'disaggregated') throw new Error('no disaggregated worker');
  return config;
}

function scenario(fleet: string, rest = ''): string {
  return `
name: pd
why: a test
source: a test
fleet: [${fleet}]
workload: {kind: open, arrivals: {process: poisson, rate: 5}, requests: 20, prompt: 100, output: 10}
${rest}`;
}

describe('the disaggregated block', () => {
  it('is one prefill and one decode engine with a link of 64 GB/s unless it says otherwise', () => {
    const { prefill, decode, link, firstToken } = configOf({});
    expect([prefill.length, decode.length, firstToken]).toEqual([1, 1, 'decode']);
    expect(link).toEqual({
      ...{ bytesPerUs: 64_000, latencyUs: 0, concurrentMax: Infinity, waitingMax: Infinity },
      ...{ timeoutUs: 300e6, bytesPerToken: 131_072, sends: 'missing' },
    });
  });

  it('has pools of engines with settings of their own', () => {
    const { prefill, decode } = configOf({ prefill: { count: 3 }, decode: { count: 2, engine: { maxRunning: 7 } } });
    expect(prefill.map(({ maxRunning }) => maxRunning)).toEqual([256, 256, 256]);
    expect(decode.map(({ maxRunning }) => maxRunning)).toEqual([7, 7]);
  });

  it('takes presets on either half', () => {
    const half = '{engine: {preset: llama-3.1-8b-h100}}';
    const read = parseScenario(scenario(`{disaggregated: {prefill: ${half}, decode: ${half}}}`), 'pd.yaml');
    const [worker] = resolveVariant(read, 'base').config.workers;
    const [plain] = workerConfigs(fleetSchema.parse([{ engine: {} }]));
    if (worker?.model !== 'disaggregated' || plain?.model !== 'engine') throw new Error('not what was asked for');
    expect(worker.prefill[0]?.timing).toEqual(worker.decode[0]?.timing);
    expect(worker.prefill[0]?.timing).not.toEqual(plain.timing);
  });

  it('excludes an engine beside it', () => {
    const both = fleetSchema.safeParse([{ engine: {}, disaggregated: {} }]);
    expect(both.error?.issues[0]?.message).toBe('one of engine, disaggregated and endpoint');
  });

  it.each(['{kind: half, side: decode', '{kind: link'])(
    'is what a fault %s … may befall, and nothing else',
    (fault) => {
      const faults = `faults: [${fault}, worker: 0, at: 1s, for: 1s}]`;
      const read = parseScenario(scenario('{disaggregated: {}}', faults), 'pd.yaml');
      expect(resolveVariant(read, 'base').config.faults).toHaveLength(1);
      expect(() => parseScenario(scenario('{engine: {}}', faults), 'pd.yaml')).toThrow('disaggregated workers');
    },
  );
});
