import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findPreset, parsePreset, presetNames, shippedPresets } from '../../src/lab/preset.ts';
import { resolveVariant } from '../../src/lab/resolve.ts';
import { parseScenario } from '../../src/lab/scenario.ts';
import { MINIMAL, scenarioMessage } from './scenario-texts.ts';

const folder = mkdtempSync(join(tmpdir(), 'spillway-preset-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PRESET = `name: mine
model: a model
hardware: a machine
source: made up
fittedOn: nothing
form: affine
errors: []
engine: {blocks: 100, blockTokens: 32}
timing: {base: 5ms, perToken: 7us}
`;
writeFileSync(join(folder, 'mine.yaml'), PRESET);

/** The first worker of a scenario in `folder` whose engine says this; `set` as on the command line. */
function worker(engine: string, set: readonly string[] = []): unknown {
  const text = MINIMAL.replace('count: 2', `count: 2\n    engine: ${engine}`);
  return resolveVariant(parseScenario(text, join(folder, 'x.yaml')), 'base', { set }).config.workers[0];
}

describe('the shipped presets', () => {
  it('are checked, and named as their files', () => {
    expect(shippedPresets().map(({ name }) => name)).toEqual(presetNames());
    expect(presetNames().length).toBeGreaterThan(20);
  });

  it('cover the models that were asked for, one a mixture of experts', () => {
    const presets = shippedPresets();
    const models = presets.map(({ model }) => model).join('\n');
    for (const model of ['Llama-3.1-8B', 'Llama-3.1-70B', 'Qwen3-32B', 'gpt-oss-120b']) expect(models).toContain(model);
    const mixtures = presets.filter(({ timing }) => timing.kind === 'table' && timing.experts !== undefined);
    expect(mixtures.length).toBeGreaterThan(0);
  });

  it('say where they come from, how far off they are and how large the pool is', () => {
    for (const { source, errors, pool, engine } of shippedPresets()) {
      expect(source).toMatch(/@[0-9a-f]{8}/);
      expect(errors.length).toBeGreaterThan(0);
      expect(pool).toMatch(/^(computed, not measured|measured|as in the log)/);
      expect(engine.blocks).toBeGreaterThan(0);
    }
  });

  it.each(presetNames())('drive a scenario: %s', (name) => {
    expect(worker(`{preset: ${name}}`)).toMatchObject({ model: 'engine' });
  });
});

describe('a preset under an engine', () => {
  it('gives what the engine leaves out', () => {
    expect(worker('{preset: ./mine.yaml}')).toMatchObject({ blocks: 100, blockTokens: 32, maxRunning: 256 });
    expect(worker('{preset: ./mine.yaml, blocks: 7}')).toMatchObject({ blocks: 7, blockTokens: 32 });
    expect(worker('{preset: ./mine.yaml}')).not.toHaveProperty('preset');
  });

  it('keeps the coefficients of its timing that the engine does not name', () => {
    const timing = { kind: 'affine', baseUs: 5000, perTokenUs: 7, perKvTokenUs: 0.0856 };
    expect(worker('{preset: ./mine.yaml}')).toMatchObject({ timing });
    const mine = worker('{preset: ./mine.yaml, timing: {perToken: 3us}}');
    expect(mine).toMatchObject({ timing: { ...timing, perTokenUs: 3 } });
    const set = worker('{preset: ./mine.yaml}', ['fleet.0.engine.timing.base=1ms']);
    expect(set).toMatchObject({ timing: { ...timing, baseUs: 1000 } });
  });

  it('gives way to a timing of another kind', () => {
    const other = worker('{preset: ./mine.yaml, timing: {kind: dynamo}}');
    expect(other).toMatchObject({ timing: { kind: 'dynamo', poolTokens: 3200 } });
  });

  it('is chosen by an override too', () => {
    expect(worker('{blocks: 9}', ['fleet.0.engine.preset=./mine.yaml'])).toMatchObject({ blocks: 9, blockTokens: 32 });
  });

  it('is refused when nobody knows it, with the nearest name', () => {
    const said = scenarioMessage(() => worker('{preset: llama-3.1-8b-h200}')).replace(folder, 'F');
    expect(said).toMatch(/^F\/x\.yaml:6:14 fleet\.0\.engine\.preset: value "llama-3\.1-8b-h200"; allowed bloom-/);
    expect(said).toMatch(/, or a preset file \(did you mean 'llama-3\.1-8b-h100'\?\)$/);
    const missing = scenarioMessage(() => worker('{preset: ./no.yaml}')).replaceAll(folder, 'F');
    const where = 'F/x.yaml:6:14 fleet.0.engine.preset: F/no.yaml';
    expect(missing).toBe(`${where}: no such file; allowed a preset file that can be read`);
    expect(scenarioMessage(() => worker('{preset: 3}'))).toContain('fleet.0.engine.preset: value 3; allowed text');
  });
});

describe('a preset file', () => {
  it('is found by path from a folder', () => {
    expect(findPreset('mine.yaml', folder, '--preset:').preset.name).toBe('mine');
    expect(() => findPreset('nobody', folder, '--preset:')).toThrow(/^--preset: value "nobody"; allowed bloom-/);
  });

  it.each([
    [PRESET.replace('model: a model\n', ''), 'p.yaml:1:1 model: missing; allowed text'],
    [PRESET.replace('blocks: 100', 'blcks: 100'), 'p.yaml:8:10 engine.blcks: unknown key; allowed blocks,'],
    [PRESET.replace('5ms', '5'), 'p.yaml:9:10 timing.base: value 5; allowed a duration with its unit'],
    [
      `${PRESET}uncertainty: {of: [base, perToken], covariance: [[1, 0]]}\n`,
      "p.yaml:10:37 uncertainty.covariance: value [[1,0]]; allowed 2 rows of 2 numbers, one for each of 'of'",
    ],
  ])('is refused with place, value and range %#', (text, message) => {
    expect(scenarioMessage(() => parsePreset(text, 'p.yaml')).startsWith(message)).toBe(true);
  });
});
