/** The flags of `spillway diff` and `spillway explain`. */
import type { Argv } from 'yargs';
import { listOf, nonEmpty, type Parsed, single, wholeOf } from './command.ts';
import { POLICIES, VALUE } from './flag-shapes.ts';
import { UsageError } from './usage-error.ts';

const SHARED_FLAGS = ['seed', 'set', 'policies'] as const;
export const DIFF_FLAGS = ['variants', ...SHARED_FLAGS] as const;
export const EXPLAIN_FLAGS = ['request', 'row', 'variant', ...SHARED_FLAGS] as const;

interface SharedArguments {
  readonly scenario: string;
  readonly seed: number | undefined;
  readonly set: readonly string[];
  readonly policies: string | undefined;
}

export interface DiffArguments extends SharedArguments {
  readonly variants: readonly [string, string];
}

export interface ExplainArguments extends SharedArguments {
  /** Undefined: the base. */
  readonly variant: string | undefined;
  readonly subject: { readonly request: number } | { readonly row: number };
}

export function diffBuilder(yargs: Argv): Argv {
  return shared(
    yargs.option('variants', { ...VALUE, describe: 'Two names by comma; base is the scenario as written' }),
  );
}

export function explainBuilder(yargs: Argv): Argv {
  return shared(
    yargs
      .option('request', { ...VALUE, describe: 'Id of the request, as in requests.jsonl' })
      .option('row', { ...VALUE, describe: "A row of the dataset, from 0: all of its cells' requests" })
      .option('variant', { ...VALUE, describe: 'Explain this variant instead of the base' }),
  );
}

function shared(yargs: Argv): Argv {
  return yargs
    .positional('scenario', { type: 'string', describe: 'Scenario file or name of a shipped one' })
    .option('seed', { ...VALUE, describe: 'Root of all random streams, instead of the seed of the scenario' })
    .option('set', { ...VALUE, describe: 'Override path=value; may be repeated' })
    .option('policies', POLICIES);
}

/** Throws UsageError. */
export function readDiffArguments(argv: Parsed): DiffArguments {
  const text = single(argv, 'variants');
  const [a, b, ...more] = (text ?? '').split(',').map((name) => name.trim());
  if (text === undefined) throw new UsageError('missing --variants; allowed two names by comma');
  if (a === undefined || b === undefined || a === '' || b === '' || a === b || more.length > 0) {
    throw new UsageError(`--variants: value ${JSON.stringify(text)}; allowed two names that differ, by comma`);
  }
  return { ...readShared('diff', argv), variants: [a, b] };
}

/** Throws UsageError. */
export function readExplainArguments(argv: Parsed): ExplainArguments {
  const request = wholeOf(argv, 'request', 0, Number.MAX_SAFE_INTEGER);
  const row = wholeOf(argv, 'row', 0, Number.MAX_SAFE_INTEGER);
  const subject = request !== undefined ? { request } : row !== undefined ? { row } : undefined;
  if (subject === undefined || (request !== undefined && row !== undefined)) {
    throw new UsageError('explain: allowed one of --request ID and --row N');
  }
  return { ...readShared('explain', argv), variant: single(argv, 'variant'), subject };
}

function readShared(command: string, argv: Parsed): SharedArguments {
  const [scenario, extra] = [...listOf(argv['scenario']), ...listOf(argv['_']).slice(1)];
  if (scenario === undefined || extra !== undefined) throw new UsageError(`${command}: allowed one scenario`);
  return {
    scenario: nonEmpty('scenario', scenario),
    seed: wholeOf(argv, 'seed', 0, Number.MAX_SAFE_INTEGER),
    set: listOf(argv['set']),
    policies: single(argv, 'policies'),
  };
}
