/** Reads the file of `--space`, and says what is fixed and what is drawn. */
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { withPresets } from '../preset.ts';
import { reasonOf, ScenarioError } from '../scenario-error.ts';
import { parseWith } from '../schema-issues.ts';
import { decodeUtf8, YamlSource } from '../yaml-source.ts';
import type { Drawn } from './drawn-workload.ts';
import { FEATURES, type SpaceFile, type SpaceInput, spaceSchema } from './space-schema.ts';

/** A space as plain data, which any thread can be given. */
export interface Space {
  /** Blocks that are not drawn. */
  readonly base: Drawn;
  /** Blocks that are. */
  readonly draw: readonly string[];
  readonly faults: SpaceFile['faults'];
  readonly policies: SpaceFile['policies'];
  readonly vary: SpaceFile['vary'];
}

/** Everything there is. */
export const WHOLE_SPACE: Space = { base: {}, draw: FEATURES, faults: undefined, policies: undefined, vary: undefined };

/** Says what a scenario is, not what world it builds; a drawn one has its own. */
const PROSE: ReadonlySet<string> = new Set(['name', 'why', 'source', 'variants', 'expect']);

/** Reads and checks a file of `--space`. Throws ScenarioError. */
export function loadSpace(file: string): Space {
  const { yaml } = readYaml(file, '--space: ');
  return spaceOf(yaml, file);
}

/** The same, given as plain data; paths in it start from the working folder. Throws ScenarioError. */
export function spaceOfValue(value: SpaceInput): Space {
  return spaceOf(new YamlSource(JSON.stringify(value), 'space'), 'space');
}

function spaceOf(yaml: YamlSource, file: string): Space {
  const parsed = parseWith(spaceSchema, yaml.value ?? {});
  if ('issues' in parsed) {
    throw new ScenarioError(parsed.issues.map(({ path, text }) => `${yaml.locate(path)} ${text}`));
  }
  const { base: given = {}, draw, ...rest } = parsed.data;
  const base = worldBlocks(typeof given === 'string' ? scenarioBlocks(given, file) : given);
  const { workload } = base;
  if (typeof workload === 'object' && workload !== null && 'kind' in workload && workload.kind === 'trace') {
    const allowed = 'allowed open, closed or dataset: a trace can be replayed, not shrunk';
    throw new ScenarioError([`${yaml.locate(['base'])} base: its workload is a trace; ${allowed}`]);
  }
  const drawn = draw ?? FEATURES.filter((feature) => !hasBlock(base, feature));
  return { base, draw: drawn, faults: rest.faults, policies: rest.policies, vary: rest.vary };
}

function scenarioBlocks(given: string, spaceFile: string): Drawn {
  const path = isAbsolute(given) ? given : join(dirname(spaceFile), given);
  const { yaml } = readYaml(path, `${spaceFile}: base: `);
  const { value } = yaml;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ScenarioError([`${path}:1:1 scenario: no mapping; allowed a scenario`]);
  }
  const blocks = withPresets(value, path, (at) => yaml.locate(at)) as Record<string, unknown>;
  return { ...blocks, ...(Array.isArray(blocks['fleet']) ? { fleet: blocks['fleet'].map(withoutPreset) } : {}) };
}

/** What the preset said has been written out. */
function withoutPreset(group: unknown): unknown {
  if (typeof group !== 'object' || group === null || !('engine' in group)) return group;
  const { preset: _, ...engine } = group.engine as Record<string, unknown>;
  return { ...group, engine };
}

function worldBlocks(blocks: Drawn): Drawn {
  return Object.fromEntries(Object.entries(blocks).filter(([key]) => !PROSE.has(key)));
}

/** Whether the base says something of `policies.router`, or of a whole block. */
function hasBlock(base: Drawn, feature: string): boolean {
  let here: unknown = base;
  for (const key of feature.split('.')) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) return false;
    here = (here as Drawn)[key];
  }
  return true;
}

function readYaml(path: string, lead: string): { readonly yaml: YamlSource } {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new ScenarioError([`${lead}${path}: ${reasonOf(error)}; allowed a file that can be read`]);
  }
  return { yaml: new YamlSource(decodeUtf8(bytes, path), path) };
}
