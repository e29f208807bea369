/** The shipped presets, fitted again to the measured engines that they name. */
import type { PresetDocument } from './preset-document.ts';

/** In the order of their names. `folder` holds the measured engines. Throws ScenarioError. */
export function refittedPresets(_folder: string): PresetDocument[] {
  return [];
}
