/**
 * One variant of an incident, run and watched: its result, how good it went over time, and when there were faults. Two
 * variants of one world are one history and are run once (`variantRuns`).
 */
import type { RunResult } from '../../results/result.ts';
import { invariants } from '../invariants/catalogue.ts';
import { runChecked } from '../checked-run.ts';
import { type ResolvedScenario, resolveVariants } from '../resolve.ts';
import { runScenario } from '../run.ts';
import type { RunOutcome } from '../run-types.ts';
import type { Scenario } from '../scenario.ts';
import { BASE_VARIANT } from '../scenario-schema.ts';
import { type GoodOverTime, GoodWatch } from './good-over-time.ts';

const US_PER_SEC = 1e6;

/** Seconds from the start of the run, in which at least one fault is on; `to` is Infinity for one that does not end. */
export interface FaultStretch {
  readonly from: number;
  readonly to: number;
}

export interface VariantRun {
  readonly variant: string;
  readonly result: RunResult;
  readonly status: RunOutcome['status'];
  readonly good: GoodOverTime;
  readonly faults: readonly FaultStretch[];
  /** Promises of the invariants that the scenario asks for, broken; a line each. */
  readonly broken: readonly string[];
}

/** Runs the variant, held to the invariants that its scenario names. Rejects as `runScenario` does. */
export async function runVariant(resolved: ResolvedScenario): Promise<VariantRun> {
  const watch = new GoodWatch(resolved.config.slo);
  const asked = resolved.invariants;
  const held = invariants.filter(({ name }) => asked === 'all' || asked?.includes(name) === true);
  const onRecord = watch.request.bind(watch);
  const checked = await runChecked(runScenario, resolved, held, { onRecord });
  if (checked.outcome === undefined) throw checked.fault;
  const { result, status } = checked.outcome;
  const broken = checked.broken.map(({ invariant, message }) => `${invariant}: ${message}`);
  const faults = stretches(resolved.config.faults);
  return { variant: resolved.variant, result, status, good: watch.result(), faults, broken };
}

/** The windows of all workers, those that meet as one; what has no end is told by its beginning alone. */
function stretches(windows: ResolvedScenario['config']['faults']): FaultStretch[] {
  const ordered = windows
    .map((fault) => {
      const forUs = 'forUs' in fault ? fault.forUs : 0;
      return { from: fault.at / US_PER_SEC, to: (fault.at + forUs) / US_PER_SEC };
    })
    .sort((a, b) => a.from - b.from);
  const merged: { readonly from: number; to: number }[] = [];
  for (const { from, to } of ordered.filter((each) => each.to !== Infinity)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  const begins = ordered.filter(({ to }) => to === Infinity).map(({ from }) => from);
  return [...merged, ...[...new Set(begins)].map((from) => ({ from, to: Infinity }))];
}

export interface PlannedRun {
  readonly resolved: ResolvedScenario;
  /** Variants that this run stands for, itself among them. */
  readonly variants: readonly string[];
}

/** Every variant of the scenario and its base, each world once, in order of the file. */
export function variantRuns(scenario: Scenario): PlannedRun[] {
  const planned = new Map<string, { resolved: ResolvedScenario; variants: string[] }>();
  for (const resolved of resolveVariants(scenario, [...scenario.variantNames, BASE_VARIANT])) {
    const key = `${resolved.worldHash}/${resolved.config.seed}`;
    const twin = planned.get(key);
    if (twin === undefined) planned.set(key, { resolved, variants: [resolved.variant] });
    else twin.variants.push(resolved.variant);
  }
  return [...planned.values()];
}
