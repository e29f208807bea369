/** The scenarios that Spillway ships, in the folder beside its package.json. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from './package-root.ts';
import { loadScenario } from './scenario.ts';

interface CatalogEntry {
  /** Absolute path. */
  readonly file: string;
  readonly name: string;
  /** First sentence of `why`. */
  readonly title: string;
  /** Without the base. */
  readonly variants: readonly string[];
}

/** Absolute path of the shipped scenario file of that name (without `.yaml`). */
export function shippedScenario(name: string): string {
  return join(packageRoot(), 'scenarios', `${name}.yaml`);
}

/** Absolute paths of all shipped scenario files, by name. */
export function shippedScenarios(): string[] {
  const folder = join(packageRoot(), 'scenarios');
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  return files.sort().map((file) => join(folder, file));
}

/** Every shipped scenario, read and checked. */
export async function catalog(): Promise<CatalogEntry[]> {
  const scenarios = await Promise.all(shippedScenarios().map((file) => loadScenario(file)));
  return scenarios.map(({ file, name, why, variantNames }) => {
    return { file, name, title: firstSentence(why), variants: variantNames };
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
