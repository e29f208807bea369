/**
 * What `spillway run` is asked to do, settled before anything runs: which scenario, which variants, which
 * file is which.
 */
import { shippedScenario } from '../lab/catalog.ts';
import { type ResolvedScenario, resolveVariants } from '../lab/resolve.ts';
import { loadScenario, type Scenario } from '../lab/scenario.ts';
import { BASE_VARIANT } from '../lab/scenario-schema.ts';
import type { Invariant } from '../lab/invariants/invariant.ts';
import { loadUserInvariants } from '../lab/user-invariants.ts';
import { loadUserPolicies } from '../lab/user-policies.ts';
import type { RunArguments } from './run-arguments.ts';
import { quoted, scenarioFile, shown } from './scenario-file.ts';
import { UsageError } from './usage-error.ts';

export interface RunPlan {
  readonly scenario: Scenario;
  /** To run, in order; at least one. */
  readonly variants: readonly ResolvedScenario[];
  /**
   * The variant whose run stands for the base: itself, or one whose world is the same. Undefined: the base is
   * not run.
   */
  readonly baseVariant: string | undefined;
  /** The scenario's own workload was replaced, so its expectations say nothing. */
  readonly replacedWorkload: boolean;
  /** Invariants of the user's own that every variant is held to. */
  readonly ownInvariants: readonly Invariant[];
  /** The command line that repeats it. */
  readonly command: string;
}

/** Loads and resolves. Rejects with UsageError or ScenarioError. */
export async function planRun(args: RunArguments): Promise<RunPlan> {
  const { file, trace } = inputFiles(args);
  const own = args.policies === undefined ? undefined : await loadUserPolicies(args.policies);
  const scenario = await loadScenario(file, own);
  const { set, seed, check } = args;
  const names = args.allVariants ? [BASE_VARIANT, ...scenario.variantNames] : [args.variant ?? BASE_VARIANT];
  const resolved = resolveVariants(scenario, names, { set, seed, check, trace });
  const base = resolved.find(({ variant }) => variant === BASE_VARIANT);
  const twin = resolved.find((it) => it !== base && base !== undefined && sameWorld(it, base));
  return {
    scenario,
    variants: twin === undefined ? resolved : resolved.filter((it) => it !== base),
    baseVariant: (twin ?? base)?.variant,
    replacedWorkload: trace !== undefined,
    ownInvariants: args.invariants === undefined ? [] : (await loadUserInvariants(args.invariants)).invariants,
    command: commandLine(args, file, trace),
  };
}

function sameWorld(a: ResolvedScenario, b: ResolvedScenario): boolean {
  return a.worldHash === b.worldHash && a.config.seed === b.config.seed;
}

const TRACE_FILE = /\.(csv|jsonl|gz)$/;

function inputFiles({ scenario, trace }: RunArguments): { file: string; trace: string | undefined } {
  const standard = shown(shippedScenario('default'));
  if (scenario === undefined) return { file: standard, trace };
  if (!TRACE_FILE.test(scenario)) return { file: scenarioFile(scenario), trace };
  if (trace !== undefined) throw new UsageError(`two traces, ${scenario} and ${trace}; allowed one`);
  return { file: standard, trace: scenario };
}

function commandLine(args: RunArguments, file: string, trace: string | undefined): string {
  const words = ['spillway', 'run', file];
  if (trace !== undefined) words.push('--trace', trace);
  if (args.policies !== undefined) words.push('--policies', args.policies);
  if (args.invariants !== undefined) words.push('--invariants', args.invariants);
  for (const setting of args.set) words.push('--set', setting);
  if (args.seed !== undefined) words.push('--seed', String(args.seed));
  if (args.variant !== undefined) words.push('--variant', args.variant);
  if (args.allVariants) words.push('--all-variants');
  return words.map(quoted).join(' ');
}
