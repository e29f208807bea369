/**
 * What is wrong with one entry of a user's policy file, in sentences of one form: `WHERE.KEY: value X; allowed Y`. A
 * user's file is JavaScript: none of what the types promise holds until it is looked at here.
 */
import { z } from 'zod';
import { type PolicyEntry, policyEntries, type PolicyRole } from '../../policies/index.ts';
import { didYouMean } from './nearest.ts';
import { shownValue } from './scenario-error.ts';

const KEYS = ['role', 'name', 'decides', 'source', 'config', 'variants', 'make'];

/** Issues of the entry at `where`; none when it is a PolicyEntry. `earlier` are those before it in the file. */
export function entryIssues(entry: unknown, where: string, earlier: readonly unknown[]): string[] {
  if (!isObject(entry)) return [`${where}: value ${shown(entry)}; allowed an object with ${KEYS.join(', ')}`];
  return [
    ...roleIssues(entry['role'], `${where}.role`),
    ...nameIssues(entry, `${where}.name`, earlier),
    ...textIssues(entry['decides'], `${where}.decides`, 'one sentence on what it decides, and how'),
    ...textIssues(entry['source'], `${where}.source`, 'text on where it comes from'),
    ...configIssues(entry, `${where}.config`),
    ...variantIssues(entry['variants'], `${where}.variants`),
    ...(typeof entry['make'] === 'function'
      ? []
      : [issue(`${where}.make`, entry['make'], 'a function (config, context) that answers a policy')]),
  ];
}

function roleIssues(role: unknown, where: string): string[] {
  // Every role has a policy that is shipped.
  const roles: readonly PolicyRole[] = [...new Set(policyEntries.map((entry) => entry.role))];
  if (roles.some((known) => known === role)) return [];
  return [issue(where, role, roles.join(', ') + (typeof role === 'string' ? didYouMean(role, roles) : ''))];
}

function nameIssues({ role, name }: Entry, where: string, earlier: readonly unknown[]): string[] {
  if (typeof name !== 'string' || name.trim() === '') return [issue(where, name, 'text that is not empty')];
  const same = (entry: unknown) => isObject(entry) && entry['role'] === role && entry['name'] === name;
  const taken = `value ${shown(name)}: a ${String(role)} policy of that name`;
  if (policyEntries.some(same)) return [`${where}: ${taken} is shipped; allowed another name`];
  if (earlier.some(same)) return [`${where}: ${taken} comes before it in the file; allowed another name`];
  return [];
}

function textIssues(value: unknown, where: string, allowed: string): string[] {
  return typeof value === 'string' && value.trim() !== '' ? [] : [issue(where, value, allowed)];
}

function configIssues({ name, config }: Entry, where: string): string[] {
  const literal = `name: z.literal(${name === undefined ? '…' : shown(name)})`;
  if (!(config instanceof z.ZodObject)) {
    const given = config === undefined ? 'missing' : 'it is no zod object';
    return [`${where}: ${given}; allowed a z.object (zod 4) with ${literal}, such as policyObject makes`];
  }
  const named: unknown = config.shape['name'];
  if (named instanceof z.ZodLiteral && named.values.size === 1 && named.values.has(name as string)) return [];
  return [`${where}.name: ${named === undefined ? 'missing' : 'another schema'}; allowed ${literal}`];
}

function variantIssues(variants: unknown, where: string): string[] {
  if (!isObject(variants)) return [issue(where, variants, 'an object of settings by name of the variant, or {}')];
  return Object.entries(variants).flatMap(([name, settings]) => {
    return isObject(settings) ? [] : [issue(`${where}.${name}`, settings, 'an object of settings')];
  });
}

type Entry = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function issue(where: string, value: unknown, allowed: string): string {
  return `${where}: ${value === undefined ? 'missing' : `value ${shown(value)}`}; allowed ${allowed}`;
}

function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  return typeof value === 'object' && value !== null ? 'an object' : shownValue(value);
}

/** Checked by `entryIssues`. A config that says nothing of unknown keys refuses them, as everywhere in a scenario. */
export function strictEntry(entry: PolicyEntry): PolicyEntry {
  const { role, name, decides, source, config, variants } = entry;
  const open = config as unknown as z.ZodObject;
  const strict = open.def.catchall === undefined ? open.strict() : open;
  return {
    ...{ role, name, decides, source, variants },
    config: strict as unknown as PolicyEntry['config'],
    make: (given, context) => entry.make(given, context),
  };
}
