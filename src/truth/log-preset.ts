/** Which preset a log is replayed with: the one that was named, else the shipped one of its model. */
import { findPreset, shippedPresets } from '../lab/preset.ts';
import type { Preset } from '../lab/preset-schema.ts';
import { ScenarioError } from '../lab/scenario-error.ts';
import type { RunLog } from './run-log.ts';

/** The preset by name or file; undefined when none was named and not exactly one is of the log's model. */
export function presetOf(log: RunLog, named: string | undefined): Preset | undefined {
  if (named !== undefined) return findPreset(named, '.', '--preset:').preset;
  const same = shippedPresets().filter(({ model }) => model === log.model);
  return same.length === 1 ? same[0] : undefined;
}

/** The same, or an error that lists what there is. Throws ScenarioError. */
export function requiredPreset(log: RunLog, named: string | undefined): Preset {
  const preset = presetOf(log, named);
  if (preset !== undefined) return preset;
  const presets = shippedPresets();
  const same = presets.filter(({ model }) => model === log.model);
  const names = (same.length === 0 ? presets : same).map(({ name }) => name).join(', ');
  const count = same.length === 0 ? 'no shipped preset is' : `${same.length} shipped presets are`;
  throw new ScenarioError([`--preset: missing, and ${count} of ${log.model}; allowed a preset file, or ${names}`]);
}
