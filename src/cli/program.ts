/**
 * The command line as a whole: which commands there are, what is refused before any of them starts, and how
 * an error becomes one message and an exit code. Flags nobody knows, values for switches and flags given
 * twice are errors: a run with a setting silently ignored is worse than no run.
 */
import yargs, { type Argv } from 'yargs';
import type { PolicyFault } from '../lab/guarded-policy.ts';
import { didYouMean } from '../lab/nearest.ts';
import type { Runner } from '../lab/run-types.ts';
import { COMMANDS } from './commands.ts';
import { type Command, type Job, listOf, type Parsed } from './command.ts';
import { EXIT, type ExitCode, exitCodeHelp } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const NAMES = COMMANDS.filter(({ describe }) => describe !== false).map(({ usage }) => usage.split(' ')[0] as string);
const SWITCHES = COMMANDS.flatMap(({ switches }) => switches);
const FLAGS = [...COMMANDS.flatMap(({ flags }) => flags), ...SWITCHES, 'help', 'version'];

/**
 * Flags mean what they say: no abbreviations by case, no `--no-`, no numbers made of text, no nested keys.
 */
const PARSER = {
  'camel-case-expansion': false,
  'dot-notation': false,
  'boolean-negation': false,
  'parse-numbers': false,
  'parse-positional-numbers': false,
};

/**
 * Runs one command line (without node and script) and answers its exit code. `run` replaces the simulator in
 * tests.
 */
export async function runProgram(
  args: readonly string[],
  terminal: Terminal,
  run?: Runner,
): Promise<ExitCode> {
  try {
    refuseSwitchValues(args);
    return await dispatch(args, terminal, run);
  } catch (error) {
    return explain(error, terminal);
  }
}

async function dispatch(
  args: readonly string[],
  terminal: Terminal,
  run: Runner | undefined,
): Promise<ExitCode> {
  let job: Job | undefined;
  let help = '';
  const parser = yargs()
    .scriptName('spillway')
    .usage('$0 <command>\n\nReplay an incident of an LLM gateway, see which policy fails, try another.')
    .parserConfiguration(PARSER)
    .locale('en')
    .exitProcess(false)
    .showHelpOnFail(false);
  const helping = args.some((arg) => arg.startsWith('--help'));
  const named = helping ? undefined : COMMANDS.find(({ usage }) => usage.split(' ')[0] === args[0]);
  for (const command of named === undefined ? COMMANDS : [named]) {
    const builder = (own: Argv): Argv => hidden(command.builder(own), named);
    const handler = (argv: Parsed): void => {
      job = command.prepare(argv);
    };
    if (command.describe === false) parser.command(command.usage, false, builder, handler);
    else parser.command(command.usage, command.describe, builder, handler);
  }
  const parsed = await parser
    .demandCommand(1, `missing command; allowed ${NAMES.join(', ')}`)
    .strict()
    .help()
    .version(await version())
    .wrap(named === undefined ? Math.min(terminal.width, 100) : null)
    .epilog(exitCodeHelp())
    .fail((message: string | null, error: Error | undefined) => {
      if (error instanceof UsageError) throw error;
      throw new UsageError(usageMessage(message ?? error?.message ?? 'bad usage', args));
    })
    .parseAsync([...args], {}, (_error: unknown, _argv: unknown, output: string) => {
      help = output;
    });
  if (job !== undefined) {
    if (runsOwnCode(parsed)) (await import('./watchdog.ts')).startWatchdog(listOf(parsed['scenario'])[0]);
    return job(terminal, run);
  }
  if (help !== '') await terminal.print(`${help}\n`);
  return EXIT.ok;
}

/** Whether it runs modules of the user's own, and not as a live gateway. */
function runsOwnCode(argv: Parsed): boolean {
  const [name] = listOf(argv['_']);
  const isLive = COMMANDS.some(({ usage, live }) => live === true && usage.split(' ')[0] === name);
  return !isLive && (argv['policies'] !== undefined || argv['invariants'] !== undefined);
}

/**
 * yargs lays out the help of every command it runs, shown or not: 25 ms of CPU for that of `run`. So a command that
 * is named, and no help asked for, is the only one it learns of, its flags are left out of that text, and no line is
 * broken.
 */
function hidden(yargs: Argv, named: Command | undefined): Argv {
  for (const flag of [...(named?.flags ?? []), ...(named?.switches ?? [])]) yargs.hide(flag);
  return yargs;
}

async function version(): Promise<string> {
  return (await import('./version.ts')).packageVersion();
}

/** A switch takes no value: yargs would read `--json=maybe` as off. */
function refuseSwitchValues(args: readonly string[]): void {
  for (const arg of args) {
    if (arg === '--') return;
    const [, name, value] = /^--([a-z-]+)=(.*)$/s.exec(arg) ?? [];
    if (name !== undefined && SWITCHES.includes(name)) {
      throw new UsageError(`--${name}: value ${JSON.stringify(value)}; allowed no value: it is a switch`);
    }
  }
}

function usageMessage(message: string, args: readonly string[]): string {
  const unknown = /^Unknown (?:argument|command)s?: (.*)$/.exec(message)?.[1]?.split(', ');
  if (unknown === undefined) {
    return message.replace(/^Not enough arguments following: /, 'missing value of --');
  }
  return unknown
    .map((name) => {
      if (args.some((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`))) {
        return `unknown flag --${name}${didYouMean(name, FLAGS)}`;
      }
      if (args[0] === name) {
        return `unknown command ${name}; allowed ${NAMES.join(', ')}${didYouMean(name, NAMES)}`;
      }
      return `unknown argument ${name}`;
    })
    .join('; ');
}

async function explain(error: unknown, terminal: Terminal): Promise<ExitCode> {
  if (error instanceof UsageError) {
    terminal.warn(`spillway: ${error.message}`);
    return EXIT.usage;
  }
  const { errorKind } = await import('../lab/user-error.ts');
  const kind = errorKind(error);
  if (kind === 'input') {
    terminal.warn((error as Error).message);
    return EXIT.usage;
  }
  if (kind === 'policy') {
    const { message, input } = error as PolicyFault;
    terminal.warn(message);
    if (input !== undefined) terminal.warn(`  input    ${input}`);
    return EXIT.invariantBroken;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  terminal.warn(`spillway: ${kind === 'invariant' ? 'an invariant is broken' : 'this is a bug'}\n${text}`);
  return EXIT.invariantBroken;
}
