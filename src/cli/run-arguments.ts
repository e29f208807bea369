/**
 * The flags of `spillway run`, and their values as a checked record. What they mean together is checked here
 * too.
 */
import type { Argv } from 'yargs';
import { listOf, nonEmpty, single, switched, wholeOf } from './command.ts';
import { exitCodeHelp } from './exit-codes.ts';
import { INVARIANTS, POLICIES, SWITCH, VALUE } from './flag-shapes.ts';
import { UsageError } from './usage-error.ts';

/** Flags that take a value; all but `set` at most once. */
export const RUN_FLAGS = ['seed', 'set', 'trace', 'policies', 'invariants', 'variant', 'out'] as const;
/** Flags that take none. */
export const RUN_SWITCHES = ['all-variants', 'json', 'check', 'check-determinism'] as const;

export interface RunArguments {
  /** A scenario file, the name of a shipped one, or a trace file; undefined: scenarios/default.yaml. */
  readonly scenario: string | undefined;
  readonly seed: number | undefined;
  readonly set: readonly string[];
  readonly trace: string | undefined;
  /** Module with policies of the user's own. */
  readonly policies: string | undefined;
  /** Module with invariants of the user's own. */
  readonly invariants: string | undefined;
  /** Undefined: the base. */
  readonly variant: string | undefined;
  readonly allVariants: boolean;
  readonly out: string | undefined;
  readonly json: boolean;
  readonly check: boolean;
  readonly checkDeterminism: boolean;
}

/** Describes the flags to yargs. */
export function runBuilder(yargs: Argv): Argv {
  return yargs
    .positional('scenario', {
      type: 'string',
      describe: 'Scenario file or name of a shipped one (default: default); a trace file means --trace',
    })
    .option('seed', { ...VALUE, describe: 'Root of all random streams, instead of the seed of the scenario' })
    .option('set', { ...VALUE, describe: 'Override path=value, such as fleet.0.count=8; may be repeated' })
    .option('trace', { ...VALUE, describe: 'Send this trace (csv, jsonl, also .gz) instead of the workload' })
    .option('policies', POLICIES)
    .option('invariants', INVARIANTS)
    .option('variant', { ...VALUE, describe: 'Run this variant instead of the base' })
    .option('all-variants', { ...SWITCH, describe: 'Run the base and every variant (equal ones once)' })
    .option('out', { ...VALUE, describe: 'Write result.json, report.md, report.html, requests.jsonl and .csv here' })
    .option('json', { ...SWITCH, describe: 'Print one JSON document instead of the table' })
    .option('check', { ...SWITCH, describe: 'Assert every invariant after every event (slow)' })
    .option('check-determinism', { ...SWITCH, describe: 'Run again in a fresh process and compare' })
    .epilog(`${OUTPUT_HELP}\n\n${exitCodeHelp()}`);
}

/** Describes the flags of `spillway policies` to yargs. */
export function policiesBuilder(yargs: Argv): Argv {
  return yargs.option('policies', POLICIES);
}

const OUTPUT_HELP = [
  'One variant: --json prints its result document and --out fills DIR. Several: --json prints ' +
    '{scenario, variants: {NAME: result}, expectations}, and each variant has a folder DIR/NAME.',
  'Records stream to requests.jsonl.part, which becomes requests.jsonl when the run ends or is interrupted.',
  "With --trace the scenario's expectations are not checked: they speak of its own workload.",
].join('\n');

/** Reads what yargs parsed. Throws UsageError. */
export function readRunArguments(argv: Readonly<Record<string, unknown>>): RunArguments {
  const [scenario, extra] = [...listOf(argv['scenario']), ...listOf(argv['_']).slice(1)];
  if (extra !== undefined) throw new UsageError(`unknown argument ${extra}; allowed one scenario`);
  const allVariants = switched(argv, 'all-variants');
  const variant = single(argv, 'variant');
  if (allVariants && variant !== undefined) {
    throw new UsageError('--variant and --all-variants exclude each other');
  }
  return {
    scenario: scenario === undefined ? undefined : nonEmpty('scenario', scenario),
    seed: wholeOf(argv, 'seed', 0, Number.MAX_SAFE_INTEGER),
    set: listOf(argv['set']),
    trace: single(argv, 'trace'),
    policies: readPoliciesFile(argv),
    invariants: single(argv, 'invariants'),
    variant,
    allVariants,
    out: single(argv, 'out'),
    json: switched(argv, 'json'),
    check: switched(argv, 'check'),
    checkDeterminism: switched(argv, 'check-determinism'),
  };
}

/** The value of `--policies`. Throws UsageError. */
export function readPoliciesFile(argv: Readonly<Record<string, unknown>>): string | undefined {
  return single(argv, 'policies');
}
