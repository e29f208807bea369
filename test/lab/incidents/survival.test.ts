import { describe, expect, it } from 'vitest';
import { survive } from '../../../src/lab/incidents/survival.ts';
import { thinned } from '../../../src/lab/incidents/thinned.ts';
import { parseScenario } from '../../../src/lab/scenario.ts';

function scenarioOf(faults: string, rate = 20) {
  return parseScenario(
    `
name: near
why: Two workers.
source: a test
fleet: [{count: 2, endpoint: {maxRunning: 16, service: 500ms}}]
workload: {kind: open, arrivals: {process: poisson, rate: ${rate}}, duration: 60s, prompt: 100, output: 10}
faults: ${faults}
policies: {capacity: {name: fixed, max: 40}, queue: {name: fifo, size: 80, timeout: none}, retry: {name: none}}
variants: {before: {set: {}}, after: {set: {}}}
symptoms: [{what: failed, path: failed, reported: not stated}]
`,
    'near.yaml',
  );
}

describe('Worlds around an incident', () => {
  it('survive when the repaired policies do', async () => {
    expect((await survive(scenarioOf('[]'), 1, 0, 5)).casualties).toEqual([]);
  });

  it('are lost when requests wait for a worker that never answers, and come as scenarios', async () => {
    const hang = scenarioOf('[{kind: hang, worker: 0, at: 1s, for: 4000h, scope: engine}]');
    const { casualties } = await survive(hang, 1, 0, 3, '1h');
    expect(casualties.map(({ draw }) => draw)).toEqual([0, 1, 2]);
    expect(casualties[0]?.broken.join()).toContain('it ends unfinished');
    expect(parseScenario(JSON.stringify(casualties[0]?.document), 'draw.yaml').name).toBe('near');
  });

  it('do not depend on which other draws are made', async () => {
    const hang = scenarioOf('[{kind: hang, worker: 0, at: 1s, for: 4000h, scope: engine}]');
    const [, , third] = (await survive(hang, 1, 0, 3, '1h')).casualties;
    expect((await survive(hang, 1, 2, 3, '1h')).casualties).toEqual([third]);
  });
});

describe('A thinned scenario', () => {
  const document = (rate: number) => scenarioOf('[]', rate).yaml.value as Parameters<typeof thinned>[0];

  it('is the scenario itself when it has few requests', () => {
    expect(thinned(document(20), scenarioOf('[]', 20).base)).toEqual(document(20));
  });

  it('has arrivals, places and bounds of lines smaller by one factor', () => {
    expect(thinned(document(100), scenarioOf('[]', 100).base)).toMatchObject({
      fleet: [{ count: 2, endpoint: { maxRunning: 5, service: '500ms' } }],
      workload: { arrivals: { rate: 33 } },
      policies: { capacity: { max: 13 }, queue: { size: 27 } },
    });
  });
});
