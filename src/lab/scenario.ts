/**
 * Scenario files: read, checked whole, ready to be resolved. A file is checked with each of its variants
 * applied, so that a mistake in a variant is found by whoever runs any of them. Every issue names
 * FILE:LINE:COL, the path, the value and what is allowed.
 */
import { readFile } from 'node:fs/promises';
import { withPolicyName } from './default-policy.ts';
import { didYouMean } from './nearest.ts';
import { applyOverride, type Override, parsePath } from './overrides.ts';
import { withPresets } from './preset.ts';
import { reasonOf, ScenarioError, shownValue } from './scenario-error.ts';
import {
  BASE_VARIANT,
  type ParsedScenario,
  type ScenarioSchema,
  scenarioSchema,
  scenarioSchemaOf,
} from './scenario-schema.ts';
import { parseWith } from './schema-issues.ts';
import type { PolicyFile, UserPolicies } from './user-policies.ts';
import { decodeUtf8, type PathSegment, parseYamlValue, YamlSource } from './yaml-source.ts';

/** Bytes of a scenario file; a larger one is some other file. */
const FILE_BYTES_MAX = 4 << 20;

export interface Scenario {
  /** As it was named; messages and relative trace paths start from it. */
  readonly file: string;
  readonly name: string;
  readonly why: string;
  readonly source: string;
  /** The scenario as written, checked: the base variant. */
  readonly base: ParsedScenario;
  /** In order of the file, without the base. */
  readonly variantNames: readonly string[];
  readonly expect: ParsedScenario['expect'];
  readonly yaml: YamlSource;
  /** Knows the shipped policies, and those of `policyFile`. */
  readonly schema: ScenarioSchema;
  /** Where policies of the user's own come from, when there are any. */
  readonly policyFile: PolicyFile | undefined;
}

/**
 * Reads and checks a scenario file, which may name policies of the user's own. Rejects with ScenarioError on anything
 * that is wrong with it.
 */
export async function loadScenario(path: string, own?: UserPolicies): Promise<Scenario> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new ScenarioError([`${path}: ${reasonOf(error)}; allowed a scenario file that can be read`]);
  }
  if (bytes.length > FILE_BYTES_MAX) {
    const allowed = `allowed a scenario of at most ${FILE_BYTES_MAX}`;
    throw new ScenarioError([`${path}: ${bytes.length} bytes; ${allowed}`]);
  }
  return parseScenario(decodeUtf8(bytes, path), path, own);
}

/** Checks the text of a scenario with all its variants; `file` names it in messages. Throws ScenarioError. */
export function parseScenario(text: string, file: string, own?: UserPolicies): Scenario {
  const yaml = new YamlSource(text, file);
  if (yaml.value === null || yaml.value === undefined) {
    throw new ScenarioError([`${file}:1:1 scenario: empty; allowed a mapping with name, why, source, …`]);
  }
  const schema = own === undefined ? scenarioSchema : scenarioSchemaOf(own.entries);
  const base = parseWorld({ yaml, schema }, []);
  const variantNames = Object.keys(base.variants);
  for (const name of variantNames) parseWorld({ yaml, schema }, variantOverrides(yaml, base, name));
  const { name, why, source, expect } = base;
  return { file, name, why, source, base, variantNames, expect, yaml, schema, policyFile: own?.file };
}

/** The whole scenario with overrides applied in order, checked. Throws ScenarioError. */
export function parseWorld(
  { yaml, schema }: Pick<Scenario, 'yaml' | 'schema'>,
  overrides: readonly Override[],
): ParsedScenario {
  let input = yaml.value;
  for (const override of overrides) {
    const applied = applyOverride(withPolicyName(input, override.path), override);
    if ('error' in applied) throw new ScenarioError([`${override.where} ${applied.error}`]);
    input = applied.value;
  }
  const place = (path: readonly PathSegment[]): string => placeOf(path, yaml, overrides);
  input = withPresets(input, yaml.file, place);
  const parsed = parseWith(schema, input);
  if ('data' in parsed) return parsed.data;
  throw new ScenarioError(parsed.issues.map((issue) => `${place(issue.path)} ${issue.text}`));
}

/**
 * What the variant sets, in order of the file. The base sets nothing. Throws ScenarioError for an unknown
 * variant.
 */
export function variantOverrides(yaml: YamlSource, base: ParsedScenario, name: string): Override[] {
  if (name === BASE_VARIANT) return [];
  const variant = Object.hasOwn(base.variants, name) ? base.variants[name] : undefined;
  if (variant === undefined) {
    const known = [BASE_VARIANT, ...Object.keys(base.variants)];
    const allowed = known.join(', ') + didYouMean(name, known);
    throw new ScenarioError([`${yaml.file}: variant ${shownValue(name)}; allowed ${allowed}`]);
  }
  return Object.entries(variant.set).map(([path, value]) => {
    // The schema has checked the form of the path.
    const segments = parsePath(path) as PathSegment[];
    return { path: segments, value, where: yaml.locate(['variants', name, 'set', path]) };
  });
}

const SETTING_HELP = 'allowed path=value, such as fleet.0.count=8';

/** The override that `--set TEXT` asks for. Throws ScenarioError unless it is `path=value`. */
export function parseSetting(text: string): Override {
  const where = `--set ${text}:`;
  const equals = text.indexOf('=');
  const path = equals > 0 ? parsePath(text.slice(0, equals)) : undefined;
  if (path === undefined) {
    throw new ScenarioError([`--set: value ${shownValue(text)}; ${SETTING_HELP}`]);
  }
  const valueText = text.slice(equals + 1);
  if (valueText.trim() === '') throw new ScenarioError([`${where} no value; ${SETTING_HELP}`]);
  return { path, value: parseYamlValue(valueText, `--set ${path.join('.')}`), where };
}

function placeOf(at: readonly PathSegment[], yaml: YamlSource, overrides: readonly Override[]): string {
  const cause = overrides.findLast(({ path }) => {
    const shared = Math.min(path.length, at.length);
    return path.slice(0, shared).every((segment, i) => String(segment) === String(at[i]));
  });
  return cause === undefined ? yaml.locate(at) : cause.where;
}
