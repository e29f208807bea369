import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parsePreset } from '../../src/lab/preset.ts';
import { folderWith, writeRun, type WrittenRun } from '../truth/synthetic-log.ts';
import { say } from './fake-terminal.ts';

let run: WrittenRun;
beforeAll(() => {
  run = writeRun({
    ...{ requests: 60, rate: 6, blocks: 2000, maxRunning: 32, noise: 0.01, seed: 2 },
    timing: { kind: 'affine', baseUs: 12_000, perTokenUs: 50, perKvTokenUs: 0.1 },
  });
});

const PRESET = 'llama-3.1-8b-rtx-pro-6000';

describe('spillway calibrate and validate', () => {
  it('fit a run and hold the fit against the rest of it', async () => {
    const calibrated = await say(['calibrate', run.folder, '--full']);
    expect(calibrated).toMatchObject({ code: 0 });
    expect(calibrated.err).toContain("fit from the engine's default timing\n");
    expect(calibrated.err).toMatch(/on the rest: +mean TTFT [+−][\d.]+ %, mean TPOT [+−][\d.]+ %, mean E2E/);
    const { preset } = parsePreset(calibrated.out, 'stdout');
    expect(preset).toMatchObject({ name: 'up-calibrated', model: 'made/up', engine: { blocks: 2000 } });

    const file = join(run.folder, 'mine.yaml');
    const out = join(run.folder, 'out');
    const written = await say(['calibrate', run.folder, '--full', '--out', file]);
    expect(written).toMatchObject({ code: 0, out: `preset up-calibrated in ${file}\n`, err: calibrated.err });
    expect(readFileSync(file, 'utf8')).toBe(calibrated.out);
    const validated = await say(['validate', run.folder, '--preset', file, '--uncertainty', '3', '--out', out]);
    expect(validated).toMatchObject({ code: 0, err: '' });
    expect(validated.out).toContain('Preset up-calibrated: the machine of the log.\nThe last 36 of 60 requests:\n');
    expect(validated.out).toContain('5 to 95 % of 3 draws');
    const report = readFileSync(join(out, 'report.md'), 'utf8');
    expect(report).toContain(`spillway validate ${run.folder} --preset ${file} --uncertainty 3 --seed 1 --out ${out}`);
    expect(readFileSync(join(out, 'chart.svg'), 'utf8')).toMatch(/^<svg /);
    const json = await say(['validate', run.folder, '--preset', file, '--uncertainty', '3', '--json']);
    expect(json.out).toBe(readFileSync(join(out, 'validation.json'), 'utf8'));
    const tpot = (JSON.parse(json.out) as { tpot_ms: { mean: { error: number } } }).tpot_ms;
    expect(Math.abs(tpot.mean.error)).toBeLessThan(0.02);
  });

  it('make a preset that a scenario can name', async () => {
    const file = join(run.folder, 'scale.yaml');
    expect(await say(['calibrate', run.folder, '--out', file])).toMatchObject({ code: 0 });
    const scenario = join(run.folder, 'scenario.yaml');
    writeFileSync(scenario, `name: with-preset
why: A fleet of the measured engine.
source: a test
fleet: [{count: 1, engine: {preset: ./scale.yaml}}]
workload:
  kind: open
  arrivals: {process: poisson, rate: 2}
  duration: 5s
  prompt: 100
  output: 10
`);
    const said = await say(['run', scenario, '--json']);
    expect(said).toMatchObject({ code: 0 });
  });

  it('fit one scale without --full, as JSON when asked', async () => {
    const { out, err } = await say(['calibrate', run.folder, '--preset', PRESET, '--json']);
    expect(err).toContain(`fit from preset ${PRESET}\n`);
    expect(JSON.parse(out)).toMatchObject({ uncertainty: { of: ['all'] } });
    expect(parsePreset(out, 'stdout').preset.form).toMatch(/^one factor, 1\.\d+, on preset llama/);
  });

  it('take the pool, the workload and the scheduling from flags', async () => {
    const args = ['--kv-blocks', '3000', '--block-tokens', '16', '--workload', 'none', '--scheduling', 'async'];
    const { out } = await say(['validate', run.folder, '--preset', PRESET, '--json', ...args]);
    const { log } = JSON.parse(out) as { log: unknown };
    expect(log).toMatchObject({ engine: { blocks: 3000, schedulesAhead: true } });
    expect(JSON.parse(out)).toMatchObject({ prefix_hit_ratio: 0 });
  });

  it.each([
    ['calibrate', 'spillway: Not enough non-option arguments: got 0, need at least 1\n'],
    ['validate a b', 'spillway: unknown argument b\n'],
    ['validate nowhere', 'nowhere/meta.json: no such file; allowed a file that can be read\n'],
    ['validate x --uncertainty 1', 'spillway: --uncertainty: value "1"; allowed a whole number from 2 to 10000\n'],
    ['validate x --scheduling eager', 'spillway: --scheduling: value "eager"; allowed sync, async\n'],
    ['calibrate x --kv-blocks 0', 'spillway: --kv-blocks: value "0"; allowed a whole number from 1 to 100000000\n'],
    ['calibrate x --full=yes', 'spillway: --full: value "yes"; allowed no value: it is a switch\n'],
    ['calibrate x --out a', 'spillway: --out: value "a"; allowed a file that ends in .yaml, .yml or .json\n'],
    ['presets --out x', 'spillway: --out: allowed with --refit only\n'],
    ['presets --refit nowhere', /^nowhere\/.*: no such file; allowed a file that can be read\n$/],
  ])('end with 2 and one message: spillway %s', async (line, message) => {
    const said = await say(line.split(' '));
    expect(said).toMatchObject({ code: 2, out: '' });
    if (typeof message === 'string') expect(said.err).toBe(message);
    else expect(said.err).toMatch(message);
  });

  it('name the presets when none is given and none is of the model', async () => {
    const said = await say(['validate', run.folder]);
    expect(said.code).toBe(2);
    const message = '--preset: missing, and no shipped preset is of made/up; allowed a preset file, or bloom-';
    expect(said.err.startsWith(message)).toBe(true);
  });

  it('write nothing when the log is broken', async () => {
    const folder = folderWith({ 'meta.json': '{' });
    const out = join(folder, 'out');
    const said = await say(['validate', folder, '--preset', PRESET, '--out', out]);
    expect(said.code).toBe(2);
    expect(said.err).toMatch(/meta\.json: not JSON/);
    expect(existsSync(out)).toBe(false);
  });
});

describe('spillway presets', () => {
  it('lists model, hardware, source, fit, errors and pool', async () => {
    const { code, out } = await say(['presets']);
    expect(code).toBe(0);
    expect(out).toContain(`${PRESET}\n  model     meta-llama/Llama-3.1-8B\n  hardware  1 × RTX PRO 6000`);
    expect(out).toMatch(/error {5}TPOT of a row \(30\): fitted median 1\.9 %, p95 10\.7 %, max [\d.]+ %; held out/);
    expect(out).toMatch(/KV pool {3}28836 × 16 tokens; measured: 461,376 tokens/);
  });
});
