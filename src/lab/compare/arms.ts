/**
 * What is compared: arms, each a variant with settings laid over it, and each run under the same seeds. A sweep's arms
 * are the points of its grid.
 */
import { type ResolvedScenario, resolveVariant } from '../resolve.ts';
import type { Scenario } from '../scenario.ts';
import { ScenarioError, shownValue } from '../scenario-error.ts';

/** Points of a grid at most: a larger one is surely a mistake. */
const POINTS_MAX = 1000;

export interface ArmPlan {
  readonly name: string;
  readonly variant: string;
  /** Texts of `--set`, laid over the variant. */
  readonly set: readonly string[];
}

export function variantArms(variants: readonly string[], set: readonly string[]): ArmPlan[] {
  return variants.map((variant) => ({ name: variant, variant, set }));
}

/** Every combination of the values, the last path varying fastest. Throws ScenarioError. */
export function gridArms(variant: string, grid: readonly string[], set: readonly string[]): ArmPlan[] {
  const axes = grid.map(axisOf);
  const points = axes.reduce((count, { values }) => count * values.length, 1);
  if (points > POINTS_MAX) throw new ScenarioError([`--grid: ${points} points; allowed at most ${POINTS_MAX}`]);
  let arms: ArmPlan[] = [{ name: '', variant, set }];
  for (const { path, values } of axes) {
    arms = arms.flatMap((arm) =>
      values.map((value) => ({
        ...arm,
        name: arm.name === '' ? `${path}=${value}` : `${arm.name} ${path}=${value}`,
        set: [...arm.set, `${path}=${value}`],
      })),
    );
  }
  return arms;
}

/** The world of one arm under one seed. */
export function armWorld(scenario: Scenario, { variant, set }: ArmPlan, seed: number): ResolvedScenario {
  return resolveVariant(scenario, variant, { set, seed });
}

interface Axis {
  readonly path: string;
  readonly values: readonly string[];
}

const GRID_HELP = 'path=value,value such as fleet.0.count=4,8,16';

function axisOf(text: string): Axis {
  const equals = text.indexOf('=');
  const path = text.slice(0, Math.max(0, equals));
  const values = splitValues(text.slice(equals + 1));
  if (path === '' || values.some((value) => value === '')) {
    throw new ScenarioError([`--grid: value ${shownValue(text)}; allowed ${GRID_HELP}`]);
  }
  const twice = values.find((value, i) => values.indexOf(value) !== i);
  if (twice !== undefined) throw new ScenarioError([`--grid ${path}: ${twice} is there twice; allowed once`]);
  return { path, values };
}

/** At commas that are not inside braces, brackets or quotes. */
function splitValues(text: string): string[] {
  const values: string[] = [];
  let [depth, start, quote] = [0, 0, ''];
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string;
    if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
    else if ('{['.includes(char)) depth++;
    else if ('}]'.includes(char)) depth--;
    else if (char === ',' && depth === 0) {
      values.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  values.push(text.slice(start).trim());
  return values;
}
