/** The flags of `spillway load`. */
import type { Argv } from 'yargs';
import { listOf, nonEmpty, type Parsed, single, switched, wholeOf } from './command.ts';
import { SWITCH, VALUE } from './flag-shapes.ts';
import { UsageError } from './usage-error.ts';

export const LOAD_FLAGS = [
  ...(['target', 'api', 'model', 'stream', 'key-env', 'seed', 'set', 'trace', 'variant', 'out'] as const),
];
export const LOAD_SWITCHES = ['json', 'ignore-eos'] as const;

export interface LoadArguments {
  /** A scenario file, the name of a shipped one, or a trace. */
  readonly scenario: string;
  /** Origin. */
  readonly target: string;
  readonly api: 'chat' | 'completions';
  readonly model: string | undefined;
  readonly isStream: boolean;
  readonly ignoresEos: boolean;
  readonly keyEnv: string | undefined;
  readonly seed: number | undefined;
  readonly set: readonly string[];
  readonly trace: string | undefined;
  readonly variant: string | undefined;
  readonly out: string | undefined;
  readonly json: boolean;
}

export function loadBuilder(yargs: Argv): Argv {
  return yargs
    .positional('scenario', { type: 'string', describe: 'Scenario file or name of a shipped one; or a trace file' })
    .option('target', { ...VALUE, describe: 'URL of an OpenAI-compatible endpoint, such as http://127.0.0.1:8080' })
    .option('api', { ...VALUE, describe: 'chat or completions (default chat)' })
    .option('model', { ...VALUE, describe: 'Model of the requests (default: the first that the endpoint lists)' })
    .option('stream', { ...VALUE, describe: 'on or off (default on): whether replies come as events' })
    .option('ignore-eos', { ...SWITCH, describe: 'Ask for replies of full length, where the engine knows ignore_eos' })
    .option('key-env', { ...VALUE, describe: 'Environment variable that holds the key of the endpoint' })
    .option('seed', { ...VALUE, describe: 'Root of the random streams of the workload, instead of the scenario’s' })
    .option('set', { ...VALUE, describe: 'Override path=value, such as workload.duration=30s; may be repeated' })
    .option('trace', { ...VALUE, describe: 'Send this trace (csv, jsonl, also .gz) instead of the workload' })
    .option('variant', { ...VALUE, describe: 'Workload of this variant instead of the base' })
    .option('out', { ...VALUE, describe: 'Write result.json, report.md, report.html and requests.jsonl here' })
    .option('json', { ...SWITCH, describe: 'Print the result document instead of the table' })
    .epilog(LOAD_HELP);
}

const LOAD_HELP = [
  'Sends the workload of the scenario in real time. Its fleet, faults and policies are left out: the endpoint has its',
  'own. Latencies count from the instant a request was due, not from when it left. spillway compare --results A B puts',
  'the result beside that of a simulated run.',
].join('\n');

/** Throws UsageError. */
export function readLoadArguments(argv: Parsed): LoadArguments {
  const [scenario, extra] = [...listOf(argv['scenario']), ...listOf(argv['_']).slice(1)];
  if (scenario === undefined || extra !== undefined) throw new UsageError('load: allowed one scenario or trace');
  return {
    scenario: nonEmpty('scenario', scenario),
    target: targetOf(single(argv, 'target')),
    api: oneOf(argv, 'api', ['chat', 'completions']) ?? 'chat',
    model: single(argv, 'model'),
    isStream: oneOf(argv, 'stream', ['on', 'off']) !== 'off',
    ignoresEos: switched(argv, 'ignore-eos'),
    keyEnv: single(argv, 'key-env'),
    seed: wholeOf(argv, 'seed', 0, Number.MAX_SAFE_INTEGER),
    set: listOf(argv['set']),
    trace: single(argv, 'trace'),
    variant: single(argv, 'variant'),
    out: single(argv, 'out'),
    json: switched(argv, 'json'),
  };
}

function targetOf(text: string | undefined): string {
  const allowed = 'allowed http://HOST:PORT or https://HOST:PORT';
  if (text === undefined) throw new UsageError(`missing --target; ${allowed}`);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin = url !== undefined && url.pathname === '/' && url.search === '' && url.hash === '';
  if (isOrigin && /^https?:$/.test(url.protocol) && !text.includes('@')) return url.origin;
  throw new UsageError(`--target: value ${JSON.stringify(text)}; ${allowed}, without a path`);
}

function oneOf<const Value extends string>(argv: Parsed, name: string, values: readonly Value[]): Value | undefined {
  const given = single(argv, name);
  const value = values.find((each) => each === given);
  if (value !== undefined || given === undefined) return value;
  throw new UsageError(`--${name}: value ${JSON.stringify(given)}; allowed ${values.join(', ')}`);
}
