/** Reads a YAML file that a flag names; every mistake in it names its place, value and what is allowed. */
import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { reasonOf, ScenarioError } from './scenario-error.ts';
import { parseWith } from './schema-issues.ts';
import { decodeUtf8, YamlSource } from './yaml-source.ts';

export interface YamlConfig<Schema extends z.ZodType> {
  readonly data: z.output<Schema>;
  /** As it stands in the file. */
  readonly written: unknown;
}

/** Throws ScenarioError. */
export function readYamlConfig<Schema extends z.ZodType>(file: string, schema: Schema): YamlConfig<Schema> {
  const yaml = new YamlSource(decodeUtf8(bytesOf(file), file), file);
  const written = yaml.value ?? {};
  const parsed = parseWith(schema, written);
  if ('data' in parsed) return { data: parsed.data, written };
  const lines = parsed.issues.map(({ path, text }) => `${yaml.locate(path)} ${text.replace(/^scenario:/, 'file:')}`);
  throw new ScenarioError(lines);
}

function bytesOf(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new ScenarioError([`--config: ${file}: ${reasonOf(error)}; allowed a file that can be read`]);
  }
}
