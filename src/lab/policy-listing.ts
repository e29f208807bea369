/**
 * The registered policies as a listing shows them: what each decides, where it comes from, its settings as
 * one writes them.
 */
import { z } from 'zod';
import { type PolicyEntry, policyEntries } from '../../policies/index.ts';

interface ListedSetting {
  readonly name: string;
  /** As written in YAML; undefined when it must be given. */
  readonly default: unknown;
  readonly description: string;
}

export interface ListedPolicy {
  readonly role: string;
  readonly name: string;
  readonly decides: string;
  readonly source: string;
  readonly settings: readonly ListedSetting[];
  readonly variants: readonly string[];
}

/** In the order of the registry. */
export function policyListing(entries: readonly PolicyEntry[] = policyEntries): ListedPolicy[] {
  return entries.map(({ role, name, decides, source, config, variants }) => {
    return { role, name, decides, source, settings: settingsOf(config), variants: Object.keys(variants) };
  });
}

function settingsOf(config: z.ZodType): ListedSetting[] {
  const { properties = {} } = z.toJSONSchema(config, { io: 'input', unrepresentable: 'any' });
  return Object.entries(properties).flatMap(([name, property]) => {
    if (name === 'name' || typeof property === 'boolean') return [];
    return [{ name, default: property.default, description: property.description ?? '' }];
  });
}
