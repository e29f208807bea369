/** The flags of `spillway trace`. */
import type { Argv } from 'yargs';
import { listOf, nonEmpty, type Parsed, single } from './command.ts';
import { SWITCH, VALUE } from './flag-shapes.ts';
import { UsageError } from './usage-error.ts';

export const TRACE_FLAGS = ['out'] as const;
export const TRACE_SWITCHES = ['prompts'] as const;

export interface TraceArguments {
  readonly journal: string;
  /** Undefined: stdout. */
  readonly out: string | undefined;
  /** The text of prompts too. */
  readonly prompts: boolean;
}

export function traceBuilder(yargs: Argv): Argv {
  return yargs
    .positional('action', { type: 'string', describe: 'import' })
    .positional('journal', { type: 'string', describe: 'File that spillway proxy --journal wrote' })
    .option('out', { ...VALUE, describe: 'Write the trace here instead of to stdout' })
    .option('prompts', { ...SWITCH, describe: 'With the text of prompts where the journal has it, for spillway load' });
}

/** Throws UsageError. */
export function readTraceArguments(argv: Parsed): TraceArguments {
  const operands = [...listOf(argv['action']), ...listOf(argv['journal']), ...listOf(argv['_']).slice(1)];
  const [action, journal, extra] = operands;
  if (action !== 'import') throw new UsageError(`trace: value ${JSON.stringify(action)}; allowed import`);
  if (journal === undefined || extra !== undefined) throw new UsageError('trace import: allowed one journal');
  return { journal: nonEmpty('journal', journal), out: single(argv, 'out'), prompts: argv['prompts'] === true };
}
