/** The flags of `spillway engine` and `spillway proxy`. */
import type { Argv } from 'yargs';
import { listOf, type Parsed, refuseOperands, single, switched, wholeOf } from './command.ts';
import { POLICIES, SWITCH, VALUE } from './flag-shapes.ts';
import { UsageError } from './usage-error.ts';

export const ENGINE_FLAGS = [
  ...(['host', 'port', 'model', 'preset', 'set', 'speed', 'output-tokens', 'seed', 'key-env'] as const),
];
export const PROXY_FLAGS = ['config', 'journal', 'policies'] as const;
export const PROXY_SWITCHES = ['check-config', 'insecure'] as const;

export interface EngineArguments {
  readonly host: string;
  readonly port: number;
  readonly model: string;
  readonly preset: string | undefined;
  readonly set: readonly string[];
  readonly speed: number;
  readonly outputTokens: number;
  readonly seed: number;
  readonly keyEnv: string | undefined;
}

export interface ProxyArguments {
  readonly config: string;
  readonly journal: string | undefined;
  readonly policies: string | undefined;
  readonly isCheck: boolean;
  readonly isInsecure: boolean;
}

const PORT_MAX = 65535;
const SPEED_MAX = 1e6;
const TOKENS_MAX = 1e6;

export function engineBuilder(yargs: Argv): Argv {
  return yargs
    .option('host', { ...VALUE, describe: 'Address to listen on (default 127.0.0.1)' })
    .option('port', { ...VALUE, describe: 'Port to listen on (default 8001; 0: any free one)' })
    .option('model', { ...VALUE, describe: 'Name of the model it serves (default simulated)' })
    .option('preset', { ...VALUE, describe: 'Timing and pool of a measured engine, see spillway presets' })
    .option('set', { ...VALUE, describe: 'Setting of the engine, such as maxRunning=8; may be repeated' })
    .option('speed', { ...VALUE, describe: 'Passes take so many times less than they would (default 1)' })
    .option('output-tokens', { ...VALUE, describe: 'Of a reply whose request sets no number (default 128)' })
    .option('seed', { ...VALUE, describe: 'Of the draws of faults (default 1)' })
    .option('key-env', { ...VALUE, describe: 'Variable with the key that /faults asks of other machines' })
    .epilog(ENGINE_HELP);
}

const ENGINE_HELP = [
  'Serves /v1/chat/completions, /v1/completions, /v1/models, /health, /metrics, /server_info and /v1/loads.',
  'Faults: POST /faults with {"kind": "crash | hang | slow | errors | rate-limit | cut | late", "for": "5s", ...}; ' +
    'GET lists them, DELETE clears them.',
].join('\n');

export function proxyBuilder(yargs: Argv): Argv {
  return yargs
    .option('config', { ...VALUE, describe: 'Configuration, YAML' })
    .option('check-config', { ...SWITCH, describe: 'Check the configuration and what it names, then end' })
    .option('insecure', { ...SWITCH, describe: 'Listen beyond this machine without keys' })
    .option('journal', { ...VALUE, describe: 'Record all inputs and effects in this file, see spillway replay' })
    .option('policies', POLICIES)
    .epilog('SIGHUP reads the configuration again, SIGTERM ends in good order, a second one at once.');
}

/** Throws UsageError. */
export function readEngineArguments(argv: Parsed): EngineArguments {
  refuseOperands(argv);
  return {
    host: single(argv, 'host') ?? '127.0.0.1',
    port: wholeOf(argv, 'port', 0, PORT_MAX) ?? 8001,
    model: single(argv, 'model') ?? 'simulated',
    preset: single(argv, 'preset'),
    set: listOf(argv['set']),
    speed: speedOf(single(argv, 'speed')),
    outputTokens: wholeOf(argv, 'output-tokens', 1, TOKENS_MAX) ?? 128,
    seed: wholeOf(argv, 'seed', 0, Number.MAX_SAFE_INTEGER) ?? 1,
    keyEnv: single(argv, 'key-env'),
  };
}

/** Throws UsageError. */
export function readProxyArguments(argv: Parsed): ProxyArguments {
  refuseOperands(argv);
  const config = single(argv, 'config');
  if (config === undefined) throw new UsageError('missing --config; allowed a file');
  return {
    config,
    journal: single(argv, 'journal'),
    policies: single(argv, 'policies'),
    isCheck: switched(argv, 'check-config'),
    isInsecure: switched(argv, 'insecure'),
  };
}

function speedOf(text: string | undefined): number {
  if (text === undefined) return 1;
  const speed = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (speed >= 0.001 && speed <= SPEED_MAX) return speed;
  throw new UsageError(`--speed: value ${JSON.stringify(text)}; allowed a number from 0.001 to ${SPEED_MAX}`);
}
