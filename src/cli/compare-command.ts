/**
 * `spillway compare` and `spillway sweep`: arms × seeds on as many threads as asked, then what differs and how sure
 * that is. Everything about the arms is checked before the first run. Ctrl-C ends at the next run; with `--out` the
 * runs that ended are kept, and the same command goes on from there.
 */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ArmPlan, armWorld, gridArms, variantArms } from '../lab/compare/arms.ts';
import { type Campaign, runCampaign } from '../lab/compare/campaign.ts';
import { HEADLINES, metricAt } from '../lab/compare/metrics.ts';
import { pilotWarmUp } from '../lab/compare/warm-up.ts';
import { RunPool } from '../lab/run-pool.ts';
import { loadScenario, type Scenario } from '../lab/scenario.ts';
import { BASE_VARIANT } from '../lab/scenario-schema.ts';
import { loadUserPolicies } from '../lab/user-policies.ts';
import {
  type ComparisonAbout,
  comparisonJson,
  comparisonMarkdown,
  printedComparison,
} from '../report/comparison-document.ts';
import { comparisonPage } from '../report/comparison-page.ts';
import type { CompareArguments } from './compare-arguments.ts';
import { CountLine } from './count-line.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { checkOutputPath } from './output-folder.ts';
import { FileRunStore } from './run-store.ts';
import { quoted, scenarioFile } from './scenario-file.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';
import { startWatchdog } from './watchdog.ts';
import { writeError, writeWhole } from './write-files.ts';

const US_PER_SEC = 1e6;

/** Answers the exit code; throws UsageError, ScenarioError and what a run throws. */
export async function compareCommand(args: CompareArguments, terminal: Terminal): Promise<ExitCode> {
  if (args.out !== undefined) checkOutputPath(args.out);
  const own = args.policies === undefined ? undefined : await loadUserPolicies(args.policies);
  const scenario = await loadScenario(scenarioFile(args.scenario), own);
  const planned = armsOf(args, scenario, args.set);
  const first = planned[0] as ArmPlan;
  const firstSeed = args.seed ?? scenario.base.seed;
  for (const plan of planned) armWorld(scenario, plan, firstSeed);
  const { plans, warmUp } = await warmedUp(args, scenario, planned, armWorld(scenario, first, firstSeed));
  const abort = new AbortController();
  const onInterrupt = (): void => {
    if (abort.signal.aborted) process.exit(EXIT.interrupted);
    abort.abort();
  };
  process.on('SIGINT', onInterrupt);
  const ownCode = own === undefined ? undefined : startWatchdog();
  const pool = new RunPool({ jobs: args.jobs, abort: abort.signal, pause: turned, ownCode });
  const line = terminal.progress ? new CountLine(args.command) : undefined;
  try {
    const campaign = await runCampaign(scenario, plans, {
      pool,
      firstSeed,
      seeds: args.seeds,
      metrics: args.metrics.length === 0 ? HEADLINES : args.metrics.map(metricAt),
      untilHalfWidth: args.untilHalfWidth,
      store: args.out === undefined ? undefined : new FileRunStore(args.out),
      onProgress: line && ((done, total) => line.update(done, total)),
    });
    line?.stop();
    const about = aboutOf(args, scenario, warmUp);
    return await finish(args, terminal, campaign, about);
  } finally {
    line?.stop();
    process.off('SIGINT', onInterrupt);
    await pool.close();
  }
}

async function finish(
  args: CompareArguments,
  terminal: Terminal,
  campaign: Campaign,
  about: ComparisonAbout,
): Promise<ExitCode> {
  if (campaign.ended === 'interrupted') {
    const kept = args.out === undefined ? 'nothing is kept without --out' : 'the same command goes on from here';
    terminal.warn(`interrupted after ${campaign.seeds.length} whole seeds; ${kept}`);
    return EXIT.interrupted;
  }
  const json = comparisonJson(campaign, about);
  if (args.out !== undefined) {
    makeFolder(args.out);
    writeWhole(join(args.out, 'comparison.json'), json);
    writeWhole(join(args.out, 'comparison.md'), comparisonMarkdown(campaign, about));
    const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64');
    writeWhole(join(args.out, 'comparison.html'), comparisonPage(campaign, about, sha256));
  }
  await terminal.print(args.json ? json : printedComparison(campaign, terminal.width));
  return EXIT.ok;
}

function armsOf(args: CompareArguments, scenario: Scenario, set: readonly string[]): ArmPlan[] {
  if (args.command === 'sweep') return gridArms(args.variant ?? BASE_VARIANT, args.grid, set);
  const all = [BASE_VARIANT, ...scenario.variantNames];
  const names = args.variants.length === 0 ? all : args.variants;
  if (names.length >= 2) return variantArms(names, set);
  throw new UsageError(`${scenario.file} has no variants to compare; allowed a scenario with variants, or sweep`);
}

/** The arms with the warm-up laid over them, and what it is in words. */
async function warmedUp(
  { warmUp }: CompareArguments,
  scenario: Scenario,
  plans: readonly ArmPlan[],
  pilot: ReturnType<typeof armWorld>,
): Promise<{ plans: readonly ArmPlan[]; warmUp: string }> {
  const declared = scenario.base.limits.warmup;
  if (warmUp === undefined) {
    return { plans, warmUp: declared === 0 ? 'Nothing is left out as warm-up.' : leftOut(declared, 'declared') };
  }
  if (warmUp !== 'mser-5') {
    const set = `limits.warmup=${warmUp}`;
    return { plans: plans.map((plan) => withSetting(plan, set)), warmUp: `Warm-up left out: ${warmUp}, declared.` };
  }
  const { untilUs, settled } = await pilotWarmUp(pilot);
  const how = settled ? 'by MSER-5' : 'by MSER-5, though the pilot had not settled';
  return { plans: plans.map((plan) => withSetting(plan, `limits.warmup=${untilUs}us`)), warmUp: leftOut(untilUs, how) };
}

function withSetting(plan: ArmPlan, setting: string): ArmPlan {
  return { ...plan, set: [...plan.set, setting] };
}

function leftOut(us: number, how: string): string {
  return `Warm-up left out: ${(us / US_PER_SEC).toFixed(1)} s, ${how}.`;
}

function aboutOf(args: CompareArguments, scenario: Scenario, warmUp: string): ComparisonAbout {
  const words = ['spillway', args.command, scenario.file];
  const add = (flag: string, value: string | number | undefined): void => {
    if (value !== undefined) words.push(`--${flag}`, String(value));
  };
  if (args.variants.length > 0) add('variants', args.variants.join(','));
  for (const each of args.grid) add('grid', each);
  add('variant', args.variant);
  add('seeds', args.seeds);
  for (const each of args.metrics) add('metric', each);
  if (args.untilHalfWidth !== undefined) add('until-half-width', `${args.untilHalfWidth * 100}%`);
  add('warm-up', args.warmUp);
  add('seed', args.seed);
  for (const each of args.set) add('set', each);
  add('policies', args.policies);
  const command = words.map(quoted).join(' ');
  return { title: scenario.name, why: scenario.why, command, nodeVersion: process.version, warmUp };
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw writeError(path, error);
  }
}

function turned(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
