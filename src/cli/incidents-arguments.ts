/** The flags of `spillway incidents`. */
import { availableParallelism } from 'node:os';
import type { Argv } from 'yargs';
import { listOf, nonEmpty, type Parsed, refuseOperands, single, wholeOf } from './command.ts';
import { exitCodeHelp } from './exit-codes.ts';
import { VALUE } from './flag-shapes.ts';
import { UsageError } from './usage-error.ts';

export const INCIDENTS_FLAGS = ['only', 'jobs', 'out', 'fuzz', 'seed'] as const;

const JOBS_MAX = 256;
const DRAWS_MAX = 1_000_000;
const SEED = 1;

export interface IncidentsArguments {
  /** Names, or parts of names up to a slash; empty: all. */
  readonly only: readonly string[];
  readonly jobs: number;
  readonly out: string | undefined;
  /** Worlds to draw around each; undefined: the incidents themselves. */
  readonly fuzz: number | undefined;
  /** Of the draws. */
  readonly seed: number;
}

export function incidentsBuilder(yargs: Argv): Argv {
  return yargs
    .option('only', { ...VALUE, describe: 'Names by comma, such as dynamo-14213 or metastable; may be repeated' })
    .option('jobs', { ...VALUE, describe: 'Threads (default: as many as cores); results do not depend on it' })
    .option('out', { ...VALUE, describe: 'Folder for incidents.html and incidents.md; with --fuzz, for lost worlds' })
    .option('fuzz', { ...VALUE, describe: 'Draw so many worlds around each; the repaired policies must survive them' })
    .option('seed', { ...VALUE, describe: `Of --fuzz (default ${SEED})` })
    .epilog(exitCodeHelp());
}

/** Throws UsageError. */
export function readIncidentsArguments(argv: Parsed): IncidentsArguments {
  refuseOperands(argv);
  const only = listOf(argv['only']).flatMap((text) => text.split(',').map((name) => nonEmpty('--only', name.trim())));
  const fuzz = wholeOf(argv, 'fuzz', 1, DRAWS_MAX);
  const seed = wholeOf(argv, 'seed', 0, Number.MAX_SAFE_INTEGER);
  if (seed !== undefined && fuzz === undefined) throw new UsageError('--seed: allowed with --fuzz');
  const jobs = wholeOf(argv, 'jobs', 1, JOBS_MAX) ?? availableParallelism();
  return { only, jobs, out: single(argv, 'out'), fuzz, seed: seed ?? SEED };
}
