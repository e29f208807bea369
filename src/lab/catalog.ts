/**
 * The scenarios that Spillway ships, in the folder beside its package.json and the folders in it. The name of one is
 * its path from there without `.yaml`, such as `default` or `incidents/dynamo-14213`.
 */
import { readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { packageRoot } from './package-root.ts';
import { loadScenario } from './scenario.ts';

interface CatalogEntry {
  /** Absolute path. */
  readonly file: string;
  /** As `shippedScenario` takes it. */
  readonly name: string;
  /** First sentence of `why`. */
  readonly title: string;
  /** Without the base. */
  readonly variants: readonly string[];
}

/** Of other files that scenarios refer to. */
const NO_SCENARIOS: readonly string[] = ['presets'];

/** Absolute path of the shipped scenario file of that name. */
export function shippedScenario(name: string): string {
  return join(packageRoot(), 'scenarios', `${name}.yaml`);
}

/** Absolute paths of all shipped scenario files, by name. */
export function shippedScenarios(): string[] {
  const folder = join(packageRoot(), 'scenarios');
  const inside = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory()) return [entry.name];
    if (NO_SCENARIOS.includes(entry.name)) return [];
    return readdirSync(join(folder, entry.name)).map((file) => join(entry.name, file));
  });
  const files = inside.filter((file) => file.endsWith('.yaml')).map((file) => join(folder, file));
  return files.sort((a, b) => (shippedName(a) < shippedName(b) ? -1 : 1));
}

/** Name of a shipped scenario by its absolute path. */
export function shippedName(file: string): string {
  return relative(join(packageRoot(), 'scenarios'), file).split(sep).join('/').replace(/\.yaml$/, '');
}

/** Every shipped scenario, read and checked. */
export async function catalog(): Promise<CatalogEntry[]> {
  const scenarios = await Promise.all(shippedScenarios().map((file) => loadScenario(file)));
  return scenarios.map(({ file, why, variantNames }) => {
    return { file, name: shippedName(file), title: firstSentence(why), variants: variantNames };
  });
}

/**
 * Up to the first full stop, question or exclamation mark that a space or the end follows; line breaks become
 * spaces.
 */
export function firstSentence(prose: string): string {
  const line = prose.trim().replace(/\s+/g, ' ');
  return /^.*?[.?!](?=\s|$)/.exec(line)?.[0] ?? line;
}
