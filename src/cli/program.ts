/**
 * The command line as a whole: which commands there are, what is refused before any of them starts, and how
 * an error becomes one message and an exit code. Flags nobody knows, values for switches and flags given
 * twice are errors: a run with a setting silently ignored is worse than no run.
 */
import yargs from 'yargs';
import { didYouMean } from '../lab/nearest.ts';
import type { Runner } from '../lab/run-types.ts';
import { EXIT, type ExitCode, exitCodeHelp } from './exit-codes.ts';
import { REPLAY_COMMAND } from './replay-protocol.ts';
import {
  policiesBuilder,
  readPoliciesFile,
  readRunArguments,
  RUN_FLAGS,
  RUN_SWITCHES,
  runBuilder,
} from './run-arguments.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const COMMANDS = ['run', 'scenarios', 'policies', 'schema'];
const FLAGS = [...RUN_FLAGS, ...RUN_SWITCHES, 'help', 'version'];

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
  let job: (() => Promise<ExitCode>) | undefined;
  let help = '';
  await yargs()
    .scriptName('spillway')
    .usage('$0 <command>\n\nReplay an incident of an LLM gateway, see which policy fails, try another.')
    .parserConfiguration(PARSER)
    .locale('en')
    .exitProcess(false)
    .showHelpOnFail(false)
    .command('run [scenario]', 'Run a scenario or a trace', runBuilder, (argv) => {
      const options = readRunArguments(argv);
      job = async () => (await import('./run-command.ts')).runCommand(options, terminal, run);
    })
    .command('scenarios', 'List the scenarios that come with Spillway', {}, (argv) => {
      refuseOperands(argv._);
      job = async () => (await import('./scenarios-command.ts')).scenariosCommand(terminal);
    })
    .command('policies', 'List the policies: what each decides, its source, its settings', policiesBuilder, (argv) => {
      refuseOperands(argv._);
      const file = readPoliciesFile(argv);
      job = async () => (await import('./policies-command.ts')).policiesCommand(file, terminal);
    })
    .command('schema', 'Print the JSON Schema of scenario files', {}, (argv) => {
      refuseOperands(argv._);
      job = async () => (await import('./schema-command.ts')).schemaCommand(terminal);
    })
    .command(REPLAY_COMMAND, false, {}, () => {
      job = async () => (await import('./replay-command.ts')).replayCommand();
    })
    .demandCommand(1, `missing command; allowed ${COMMANDS.join(', ')}`)
    .strict()
    .help()
    .version(await version())
    .wrap(Math.min(terminal.width, 100))
    .epilog(exitCodeHelp())
    .fail((message: string | null, error: Error | undefined) => {
      if (error instanceof UsageError) throw error;
      throw new UsageError(usageMessage(message ?? error?.message ?? 'bad usage', args));
    })
    .parseAsync([...args], {}, (_error: unknown, _argv: unknown, output: string) => {
      help = output;
    });
  if (job !== undefined) return job();
  if (help !== '') await terminal.print(`${help}\n`);
  return EXIT.ok;
}

async function version(): Promise<string> {
  return (await import('./version.ts')).packageVersion();
}

/** A switch takes no value: yargs would read `--json=maybe` as off. */
function refuseSwitchValues(args: readonly string[]): void {
  for (const arg of args) {
    if (arg === '--') return;
    const [, name, value] = /^--([a-z-]+)=(.*)$/s.exec(arg) ?? [];
    if (name !== undefined && (RUN_SWITCHES as readonly string[]).includes(name)) {
      throw new UsageError(`--${name}: value ${JSON.stringify(value)}; allowed no value: it is a switch`);
    }
  }
}

/** After `--` yargs lets extra operands pass. */
function refuseOperands(operands: readonly (string | number)[]): void {
  if (operands.length <= 1) return;
  throw new UsageError(`unknown argument ${operands.slice(1).join(' ')}; allowed none`);
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
        return `unknown command ${name}; allowed ${COMMANDS.join(', ')}${didYouMean(name, COMMANDS)}`;
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
    terminal.warn((error as Error).message);
    return EXIT.invariantBroken;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  terminal.warn(`spillway: ${kind === 'invariant' ? 'an invariant is broken' : 'this is a bug'}\n${text}`);
  return EXIT.invariantBroken;
}
