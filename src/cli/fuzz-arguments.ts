/** The flags of `spillway fuzz`. */
import { availableParallelism } from 'node:os';
import type { Argv } from 'yargs';
import { listOf, type Parsed, refuseOperands, single, switched, wholeOf } from './command.ts';
import { exitCodeHelp } from './exit-codes.ts';
import { INVARIANTS, POLICIES, SWITCH, VALUE } from './flag-shapes.ts';
import { UsageError } from './usage-error.ts';

export const FUZZ_FLAGS = [
  ...['space', 'policies', 'invariants', 'runs', 'minutes', 'seed', 'jobs', 'out', 'junit', 'marks'],
] as const;
export const FUZZ_SWITCHES = ['github', 'keep-going'] as const;

const RUNS = 1000;
const RUNS_MAX = 1_000_000_000;
const JOBS_MAX = 256;
const SEED = 1;
const OUT = 'found';

export interface FuzzArguments {
  /** File that says what is drawn; undefined: everything. */
  readonly space: string | undefined;
  readonly policies: string | undefined;
  readonly invariants: string | undefined;
  /** Infinity when minutes are given. */
  readonly runs: number;
  readonly minutes: number | undefined;
  readonly seed: number;
  readonly jobs: number;
  /** Folder of the scenarios that are found. */
  readonly out: string;
  readonly junit: string | undefined;
  /** Marks that some run must meet; undefined: those of the whole space, when that is drawn. */
  readonly marks: readonly string[] | undefined;
  readonly github: boolean;
  readonly keepGoing: boolean;
}

export function fuzzBuilder(yargs: Argv): Argv {
  return yargs
    .option('space', { ...VALUE, describe: 'File that says what is fixed and what is drawn (default: all is drawn)' })
    .option('policies', POLICIES)
    .option('invariants', INVARIANTS)
    .option('runs', { ...VALUE, describe: `Scenarios to draw (default ${RUNS})` })
    .option('minutes', { ...VALUE, describe: 'Draw for so long instead, such as 5 or 0.5' })
    .option('seed', { ...VALUE, describe: `Of the campaign (default ${SEED})` })
    .option('jobs', { ...VALUE, describe: 'Threads (default: as many as cores); results do not depend on it' })
    .option('out', { ...VALUE, describe: `Folder for the scenarios that are found (default ${OUT})` })
    .option('junit', { ...VALUE, describe: 'Write a JUnit report into this file' })
    .option('marks', { ...VALUE, describe: 'Coverage marks by comma that some run must meet (exit code 1)' })
    .option('github', { ...SWITCH, describe: 'Print annotations for GitHub (default where GITHUB_ACTIONS is true)' })
    .option('keep-going', { ...SWITCH, describe: 'Go on after a failure, to find others' })
    .epilog(`${ENDS}\n\n${exitCodeHelp()}`);
}

const ENDS =
  'Ends at the first batch with a failure, shrinks each kind of failure to the least scenario that shows it, and ' +
  'writes that as a file for spillway run. The same seed and runs print the same bytes with any --jobs.';

/** Throws UsageError. `env` is that of the process. */
export function readFuzzArguments(argv: Parsed, env: Readonly<Record<string, string | undefined>>): FuzzArguments {
  refuseOperands(argv);
  const runs = wholeOf(argv, 'runs', 1, RUNS_MAX);
  const minutes = minutesOf(single(argv, 'minutes'));
  if (runs !== undefined && minutes !== undefined) throw new UsageError('--runs and --minutes exclude each other');
  const marks = single(argv, 'marks');
  return {
    space: single(argv, 'space'),
    policies: single(argv, 'policies'),
    invariants: single(argv, 'invariants'),
    runs: minutes === undefined ? (runs ?? RUNS) : Infinity,
    minutes,
    seed: wholeOf(argv, 'seed', 0, Number.MAX_SAFE_INTEGER) ?? SEED,
    jobs: wholeOf(argv, 'jobs', 1, JOBS_MAX) ?? availableParallelism(),
    out: single(argv, 'out') ?? OUT,
    junit: single(argv, 'junit'),
    marks: marks === undefined ? undefined : listOf(marks.split(',')).map((name) => name.trim()),
    github: switched(argv, 'github') || env['GITHUB_ACTIONS'] === 'true',
    keepGoing: switched(argv, 'keep-going'),
  };
}

function minutesOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const minutes = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (minutes > 0) return minutes;
  throw new UsageError(`--minutes: value ${JSON.stringify(text)}; allowed minutes above 0, such as 5 or 0.5`);
}
