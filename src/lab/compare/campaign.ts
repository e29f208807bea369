/**
 * Runs arms × seeds. Seeds count up from the first; each is run for every arm before the next batch of seeds begins,
 * so that an interrupted campaign holds whole pairs, and a stopping rule, declared before, may end it: after each
 * batch, once every interval of the metrics asked for is narrow enough. Finished runs can be kept in a store and are
 * not run again.
 */
import type { RunResult } from '../../results/result.ts';
import type { ResolvedScenario } from '../resolve.ts';
import type { RunPool } from '../run-pool.ts';
import type { ThreadRun } from '../run-thread.ts';
import type { Scenario } from '../scenario.ts';
import { ScenarioError } from '../scenario-error.ts';
import { type ArmPlan, armWorld } from './arms.ts';
import { type Arm, compareArms, type Difference } from './comparison.ts';
import type { ComparedMetric } from './metrics.ts';

/** Seeds between two looks at the stopping rule; fewer than two say nothing. */
const BATCH_SEEDS = 10;

/** Where finished runs are kept, by arm and seed. */
export interface RunStore {
  load(world: ResolvedScenario, arm: ArmPlan): RunResult | undefined;
  save(world: ResolvedScenario, arm: ArmPlan, result: RunResult): void;
}

export interface CampaignOptions {
  readonly pool: Pick<RunPool, 'all'>;
  readonly firstSeed: number;
  /** Seeds at most. */
  readonly seeds: number;
  readonly metrics: readonly ComparedMetric[];
  /** Half-width of each interval over the first arm's mean at which to stop, such as 0.05; undefined: run all seeds. */
  readonly untilHalfWidth?: number | undefined;
  readonly store?: RunStore | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface Campaign {
  readonly arms: readonly Arm[];
  readonly seeds: readonly number[];
  readonly differences: readonly Difference[];
  /** Why it ended. */
  readonly ended: 'all seeds' | 'half-width reached' | 'interrupted';
}

/** Rejects as a run does, and with ScenarioError when a run ends unfinished: its numbers would not compare. */
export async function runCampaign(
  scenario: Scenario,
  plans: readonly ArmPlan[],
  options: CampaignOptions,
): Promise<Campaign> {
  const { seeds: seedsMax, firstSeed, metrics, untilHalfWidth } = options;
  const results = plans.map((): RunResult[] => []);
  const seeds: number[] = [];
  let ended: Campaign['ended'] = 'all seeds';
  while (seeds.length < seedsMax && ended === 'all seeds') {
    const batch = batchOf(firstSeed + seeds.length, Math.min(BATCH_SEEDS, seedsMax - seeds.length));
    const complete = await runBatch(scenario, plans, batch, results, options);
    seeds.push(...batch.slice(0, complete));
    if (complete < batch.length) ended = 'interrupted';
    else if (untilHalfWidth !== undefined && narrow(armsOf(plans, results), metrics, untilHalfWidth)) {
      ended = 'half-width reached';
    }
  }
  const arms = armsOf(
    plans,
    results.map((list) => list.slice(0, seeds.length)),
  );
  return { arms, seeds, differences: compareArms(arms, metrics), ended };
}

function batchOf(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

function armsOf(plans: readonly ArmPlan[], results: readonly (readonly RunResult[])[]): Arm[] {
  return plans.map(({ name }, i) => ({ name, results: results[i] as RunResult[] }));
}

/** Answers the seeds, from the first, that every arm has run. */
async function runBatch(
  scenario: Scenario,
  plans: readonly ArmPlan[],
  batch: readonly number[],
  results: RunResult[][],
  { pool, store, seeds, onProgress }: CampaignOptions,
): Promise<number> {
  const jobs = batch.flatMap((seed) => plans.map((plan) => ({ plan, world: armWorld(scenario, plan, seed) })));
  const kept = jobs.map(({ world, plan }) => store?.load(world, plan));
  const missing = jobs.filter((_, i) => kept[i] === undefined);
  const before = results.reduce((sum, list) => sum + list.length, 0);
  let done = before + jobs.length - missing.length;
  const total = seeds * plans.length;
  onProgress?.(done, total);
  const runs = await pool.all(
    missing.map(({ world }) => world),
    (run, i) => {
      const { world, plan } = missing[i] as (typeof missing)[number];
      const result = finished(run, world);
      store?.save(world, plan, result);
      onProgress?.(++done, total);
    },
  );
  let next = 0;
  const outcomes = kept.map((result) => result ?? runs[next++]?.result);
  const complete = batch.findIndex((_, i) => plans.some((__, j) => outcomes[i * plans.length + j] === undefined));
  const whole = complete === -1 ? batch.length : complete;
  for (let i = 0; i < whole; i++) {
    plans.forEach((_, j) => results[j]?.push(outcomes[i * plans.length + j] as RunResult));
  }
  return whole;
}

function finished({ result, status, held }: ThreadRun, { variant, config }: ResolvedScenario): RunResult {
  if (status === 'ok') return result;
  const what = held.length === 0 ? '' : `: ${held.join(', ')}`;
  throw new ScenarioError([`${variant}, seed ${config.seed}: ${status}${what}; allowed runs that end`]);
}

function narrow(arms: readonly Arm[], metrics: readonly ComparedMetric[], halfWidth: number): boolean {
  return compareArms(arms, metrics).every(({ interval, beforeMean, pairs }) => {
    const half = (interval.high - interval.low) / 2;
    return pairs >= 2 && (half === 0 || half <= halfWidth * Math.abs(beforeMean));
  });
}
