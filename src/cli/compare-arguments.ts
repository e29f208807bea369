/** The flags of `spillway compare` and `spillway sweep`, which differ in what their arms are. */
import { availableParallelism } from 'node:os';
import type { Argv } from 'yargs';
import { listOf, nonEmpty, type Parsed, single, switched, wholeOf } from './command.ts';
import { exitCodeHelp } from './exit-codes.ts';
import { POLICIES, SWITCH, VALUE } from './flag-shapes.ts';
import { UsageError } from './usage-error.ts';

const SHARED_FLAGS = [
  'seeds',
  'jobs',
  'metric',
  'until-half-width',
  'warm-up',
  'seed',
  'set',
  'policies',
  'out',
] as const;
export const COMPARE_FLAGS = ['variants', 'results', ...SHARED_FLAGS] as const;
export const SWEEP_FLAGS = ['grid', 'variant', ...SHARED_FLAGS] as const;
export const COMPARE_SWITCHES = ['json'] as const;

const SEEDS_MAX = 10_000;
const JOBS_MAX = 256;
const SEEDS = 10;

export interface CompareArguments {
  readonly command: 'compare' | 'sweep';
  readonly scenario: string;
  /** Of `compare`; empty: all. */
  readonly variants: readonly string[];
  /** Of `sweep`. */
  readonly grid: readonly string[];
  readonly variant: string | undefined;
  readonly seeds: number;
  readonly jobs: number;
  /** Paths of the result; empty: the headlines. */
  readonly metrics: readonly string[];
  /** Ratio of the baseline's mean. */
  readonly untilHalfWidth: number | undefined;
  /** A duration, or mser-5; undefined: that of the scenario. */
  readonly warmUp: string | undefined;
  readonly seed: number | undefined;
  readonly set: readonly string[];
  readonly policies: string | undefined;
  readonly out: string | undefined;
  readonly json: boolean;
}

export function compareBuilder(yargs: Argv): Argv {
  return shared(
    yargs
      .option('variants', { ...VALUE, describe: 'Names by comma, the first is the baseline (default: base, all)' })
      .option('results', { ...VALUE, array: true, describe: 'Two results, simulated or real, side by side instead' }),
  );
}

/** The two results to put side by side; undefined: a scenario is compared. Throws UsageError. */
export function readResults(argv: Parsed): readonly [string, string] | undefined {
  const [a, b, ...more] = listOf(argv['results']);
  if (argv['results'] === undefined) return undefined;
  const others = [...SHARED_FLAGS, 'variants'].filter((name) => argv[name] !== undefined);
  const beside = [...(argv['scenario'] === undefined ? [] : ['a scenario']), ...others.map((name) => `--${name}`)];
  if (beside.length > 0) throw new UsageError(`--results: ${beside.join(', ')} beside it; allowed --json only`);
  if (a !== undefined && b !== undefined && more.length === 0) return [a, b];
  throw new UsageError('--results: allowed two results: each a result.json or its folder');
}

export function sweepBuilder(yargs: Argv): Argv {
  return shared(
    yargs
      .option('grid', { ...VALUE, describe: 'path=value,value,…; may be repeated: every combination is an arm' })
      .option('variant', { ...VALUE, describe: 'Sweep this variant instead of the base' }),
  );
}

function shared(yargs: Argv): Argv {
  return yargs
    .positional('scenario', { type: 'string', describe: 'Scenario file or name of a shipped one' })
    .option('seeds', { ...VALUE, describe: `Seeds, counted up from the scenario's own (default ${SEEDS})` })
    .option('jobs', { ...VALUE, describe: 'Threads (default: as many as cores); results do not depend on it' })
    .option('metric', { ...VALUE, describe: 'Path of the result, such as p99_ttft_ms; may be repeated' })
    .option('until-half-width', { ...VALUE, describe: 'Stop once every interval is this narrow, such as 5%' })
    .option('warm-up', { ...VALUE, describe: 'Latencies leave it out: a duration such as 60s, or mser-5' })
    .option('seed', { ...VALUE, describe: 'First seed, instead of that of the scenario' })
    .option('set', { ...VALUE, describe: 'Override path=value in every arm; may be repeated' })
    .option('policies', POLICIES)
    .option('out', { ...VALUE, describe: 'Folder for comparison.json, comparison.md and the runs; resumes from it' })
    .option('json', { ...SWITCH, describe: 'Print one JSON document instead of the tables' })
    .epilog(exitCodeHelp());
}

/** Throws UsageError. */
export function readCompareArguments(command: CompareArguments['command'], argv: Parsed): CompareArguments {
  const [scenario, extra] = [...listOf(argv['scenario']), ...listOf(argv['_']).slice(1)];
  if (scenario === undefined || extra !== undefined) {
    throw new UsageError(`${command}: allowed one scenario${command === 'compare' ? ', or --results A B' : ''}`);
  }
  const grid = listOf(argv['grid']);
  if (command === 'sweep' && grid.length === 0) {
    throw new UsageError('missing --grid; allowed path=value,value such as fleet.0.count=4,8,16');
  }
  const untilHalfWidth = ratioOf(single(argv, 'until-half-width'));
  return {
    command,
    scenario: nonEmpty('scenario', scenario),
    variants: namesOf(single(argv, 'variants')),
    grid,
    variant: single(argv, 'variant'),
    seeds: wholeOf(argv, 'seeds', 1, SEEDS_MAX) ?? (untilHalfWidth === undefined ? SEEDS : SEEDS_MAX),
    jobs: wholeOf(argv, 'jobs', 1, JOBS_MAX) ?? availableParallelism(),
    metrics: listOf(argv['metric']),
    untilHalfWidth,
    warmUp: single(argv, 'warm-up'),
    seed: wholeOf(argv, 'seed', 0, Number.MAX_SAFE_INTEGER),
    set: listOf(argv['set']),
    policies: single(argv, 'policies'),
    out: single(argv, 'out'),
    json: switched(argv, 'json'),
  };
}

function namesOf(text: string | undefined): string[] {
  if (text === undefined) return [];
  const names = text.split(',').map((name) => name.trim());
  if (names.length < 2 || names.includes('') || new Set(names).size < names.length) {
    throw new UsageError(`--variants: value ${JSON.stringify(text)}; allowed two or more names that differ, by comma`);
  }
  return names;
}

function ratioOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  const ratio = percent === undefined ? NaN : Number(percent) / 100;
  if (ratio > 0 && ratio <= 1) return ratio;
  throw new UsageError(
    `--until-half-width: value ${JSON.stringify(text)}; allowed a percentage such as 5%, up to 100%`,
  );
}
