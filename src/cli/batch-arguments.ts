/** The flags of `spillway batch`. */
import { extname } from 'node:path';
import type { Argv } from 'yargs';
import { listOf, nonEmpty, type Parsed, single, switched } from './command.ts';
import { POLICIES, SWITCH, VALUE } from './flag-shapes.ts';
import { UsageError } from './usage-error.ts';

export const BATCH_FLAGS = ['config', 'out', 'errors', 'policies'] as const;
export const BATCH_SWITCHES = ['retry-errors'] as const;

export interface BatchArguments {
  readonly rows: string;
  readonly config: string;
  readonly out: string;
  readonly errors: string;
  readonly policies: string | undefined;
  readonly retryErrors: boolean;
}

export function batchBuilder(yargs: Argv): Argv {
  return yargs
    .positional('rows', { type: 'string', describe: 'Requests, JSONL: custom_id, method, url, body' })
    .option('config', { ...VALUE, describe: 'Configuration, YAML: workers, concurrency, policies' })
    .option('out', { ...VALUE, describe: 'Results, JSONL; what is there of this batch is kept' })
    .option('errors', { ...VALUE, describe: 'Rows that failed, JSONL (default: beside --out, NAME.errors.jsonl)' })
    .option('retry-errors', { ...SWITCH, describe: 'Run the rows in the errors file again' })
    .option('policies', POLICIES)
    .epilog(BATCH_HELP);
}

const BATCH_HELP = [
  'Run it again with the same arguments to go on where it stopped, however it stopped: each row is in the results or',
  'the errors once. The endpoint may see a row more than once. Ctrl-C lets running calls end, a second one cuts them.',
].join('\n');

/** Throws UsageError. */
export function readBatchArguments(argv: Parsed): BatchArguments {
  const [rows, extra] = [...listOf(argv['rows']), ...listOf(argv['_']).slice(1)];
  if (rows === undefined || extra !== undefined) throw new UsageError('batch: allowed one file of requests');
  const out = required(argv, 'out');
  return {
    rows: nonEmpty('rows', rows),
    config: required(argv, 'config'),
    out,
    errors: single(argv, 'errors') ?? errorsBeside(out),
    policies: single(argv, 'policies'),
    retryErrors: switched(argv, 'retry-errors'),
  };
}

function required(argv: Parsed, name: string): string {
  const value = single(argv, name);
  if (value === undefined) throw new UsageError(`missing --${name}; allowed a file`);
  return value;
}

function errorsBeside(out: string): string {
  const extension = extname(out);
  return `${out.slice(0, out.length - extension.length)}.errors${extension}`;
}
