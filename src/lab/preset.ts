/**
 * Presets: reads their files, lists the shipped ones, and puts what they say under an engine's own settings. A preset
 * is named by its file's name without `.yaml`, or by a path to a file of the user's own.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { didYouMean } from './nearest.ts';
import { packageRoot } from './package-root.ts';
import { type Preset, presetSchema } from './preset-schema.ts';
import { reasonOf, ScenarioError, shownValue } from './scenario-error.ts';
import { parseWith } from './schema-issues.ts';
import { decodeUtf8, type PathSegment, YamlSource } from './yaml-source.ts';

/** A preset, checked, and as it was written. */
export interface LoadedPreset {
  readonly preset: Preset;
  readonly written: Readonly<Record<string, unknown>>;
}

function shippedFolder(): string {
  return join(packageRoot(), 'scenarios', 'presets');
}

/** Names of the shipped presets, sorted. */
export function presetNames(): string[] {
  const files = readdirSync(shippedFolder()).filter((file) => file.endsWith('.yaml'));
  return files.map((file) => file.slice(0, -'.yaml'.length)).sort();
}

/** Every shipped preset, by name. */
export function shippedPresets(): Preset[] {
  return presetNames().map((name) => readPreset(join(shippedFolder(), `${name}.yaml`)).preset);
}

/**
 * The preset of that name, or in that file (relative to `folder`). `where` opens the message of an unknown one. Throws
 * ScenarioError.
 */
export function findPreset(given: string, folder: string, where: string): LoadedPreset {
  const names = presetNames();
  if (names.includes(given)) return readPreset(join(shippedFolder(), `${given}.yaml`));
  if (/[/\\]|\.(ya?ml|json)$/.test(given)) return readPreset(isAbsolute(given) ? given : join(folder, given), where);
  const allowed = `${names.join(', ')}, or a preset file${didYouMean(given, names)}`;
  throw new ScenarioError([`${where} value ${shownValue(given)}; allowed ${allowed}`]);
}

/** Reads and checks a preset file. Throws ScenarioError. */
function readPreset(path: string, where = ''): LoadedPreset {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const lead = where === '' ? '' : `${where} `;
    throw new ScenarioError([`${lead}${path}: ${reasonOf(error)}; allowed a preset file that can be read`]);
  }
  return parsePreset(decodeUtf8(bytes, path), path);
}

/** Checks the text of a preset; `file` names it in messages. Throws ScenarioError. */
export function parsePreset(text: string, file: string): LoadedPreset {
  const yaml = new YamlSource(text, file);
  const parsed = parseWith(presetSchema, yaml.value);
  if ('issues' in parsed) {
    throw new ScenarioError(parsed.issues.map(({ path, text: issue }) => `${yaml.locate(path)} ${issue}`));
  }
  return { preset: parsed.data, written: yaml.value as Record<string, unknown> };
}

/**
 * A scenario as written, with each engine's preset put under its own settings. What the engine says itself comes
 * first; of `timing` so does each key, unless it names another kind. `file` is the scenario's, `place` says where a
 * path of it stands. Throws ScenarioError.
 */
export function withPresets(input: unknown, file: string, place: (path: readonly PathSegment[]) => string): unknown {
  const fleet = member(input, 'fleet');
  if (!Array.isArray(fleet)) return input;
  const engineUnder = (holder: unknown, path: readonly PathSegment[]): unknown => {
    const engine = member(holder, 'engine');
    const name = member(engine, 'preset');
    if (typeof name !== 'string') return holder;
    const at = [...path, 'engine', 'preset'];
    const { written } = findPreset(name, dirname(file), `${place(at)} ${at.join('.')}:`);
    return { ...(holder as object), engine: merged(written, engine as Readonly<Record<string, unknown>>) };
  };
  const groups = fleet.map((group: unknown, index) => {
    const disaggregated = member(group, 'disaggregated');
    if (!isMapping(disaggregated)) return engineUnder(group, ['fleet', index]);
    const halves: Record<string, unknown> = { ...disaggregated };
    for (const half of ['prefill', 'decode']) {
      if (half in halves) halves[half] = engineUnder(halves[half], ['fleet', index, 'disaggregated', half]);
    }
    return { ...(group as object), disaggregated: halves };
  });
  return { ...(input as object), fleet: groups };
}

function merged(preset: Readonly<Record<string, unknown>>, own: Readonly<Record<string, unknown>>): unknown {
  const { timing } = own;
  const kind = member(timing, 'kind');
  const isSame = kind === undefined || kind === (member(preset['timing'], 'kind') ?? 'affine');
  const settings = { ...(preset['engine'] as object | undefined), ...own };
  if (timing !== undefined && !(isSame && isMapping(timing))) return settings;
  return { ...settings, timing: { ...(preset['timing'] as object), ...timing } };
}

function member(value: unknown, key: string): unknown {
  return isMapping(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
