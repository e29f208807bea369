/** What a command of `spillway` is to the command line: how it is called, and the job that a call becomes. */
import type { Argv } from 'yargs';
import type { Runner } from '../lab/run-types.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** Does what was asked; loads what is heavy only now. `run` replaces the simulator in tests. */
export type Job = (terminal: Terminal, run?: Runner) => Promise<ExitCode>;

/** What yargs parsed. */
export type Parsed = Readonly<Record<string, unknown>>;

export interface Command {
  /** Name and operands, as yargs writes them. */
  readonly usage: string;
  /** One line of the help; false: not shown. */
  readonly describe: string | false;
  /** Serves or sends real traffic: how long a policy takes there is the operator's to judge. */
  readonly live?: boolean;
  /** Names of flags that take a value. */
  readonly flags: readonly string[];
  /** Names of flags that take none. */
  readonly switches: readonly string[];
  builder(yargs: Argv): Argv;
  /** Throws UsageError. */
  prepare(argv: Parsed): Job;
}

/** Texts, whether yargs saw none, one or several. */
export function listOf(value: unknown): string[] {
  return value === undefined ? [] : Array.isArray(value) ? value.map(String) : [value as string];
}

/** The value of a flag that may be given once. Throws UsageError. */
export function single(argv: Parsed, name: string): string | undefined {
  const values = listOf(argv[name]);
  if (values.length > 1) {
    throw new UsageError(`--${name}: given ${values.length} times (${values.join(', ')}); allowed once`);
  }
  return values[0] === undefined ? undefined : nonEmpty(`--${name}`, values[0]);
}

export function nonEmpty(what: string, value: string): string {
  if (value === '') throw new UsageError(`${what}: value ""; allowed a value that is not empty`);
  return value;
}

export function switched(argv: Parsed, name: string): boolean {
  const value = argv[name];
  return Array.isArray(value) ? value.includes(true) : value === true;
}

/** The whole number that a flag gives, `min` to `max`. Throws UsageError. */
export function wholeOf(argv: Parsed, name: string, min: number, max: number): number | undefined {
  const text = single(argv, name);
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new UsageError(`--${name}: value ${JSON.stringify(text)}; allowed a whole number from ${min} to ${max}`);
}

/** After `--` yargs lets extra operands pass; `allowed` counts those of the command. */
export function refuseOperands(argv: Parsed, allowed = 0): void {
  const operands = listOf(argv['_']).slice(1 + allowed);
  if (operands.length === 0) return;
  throw new UsageError(`unknown argument ${operands.join(' ')}; allowed none`);
}
