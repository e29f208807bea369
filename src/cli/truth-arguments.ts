/** The flags of `spillway calibrate`, `spillway validate` and `spillway presets`. */
import type { Argv } from 'yargs';
import type { RunLogOptions } from '../truth/run-log.ts';
import { listOf, nonEmpty, type Parsed, refuseOperands, single, switched, wholeOf } from './command.ts';
import { exitCodeHelp } from './exit-codes.ts';
import { SWITCH, VALUE } from './flag-shapes.ts';
import { UsageError } from './usage-error.ts';

const LOG_FLAGS = ['preset', 'workload', 'kv-blocks', 'block-tokens', 'scheduling'] as const;
export const CALIBRATE_FLAGS = [...LOG_FLAGS, 'out'] as const;
export const CALIBRATE_SWITCHES = ['full', 'json'] as const;
export const VALIDATE_FLAGS = [...LOG_FLAGS, 'uncertainty', 'seed', 'out'] as const;
export const VALIDATE_SWITCHES = ['json'] as const;
export const PRESETS_FLAGS = ['refit', 'out'] as const;

const BLOCKS_MAX = 1e8;
const BLOCK_TOKENS_MAX = 1e5;
const DRAWS_MAX = 10_000;

interface LogArguments {
  /** Folder of the measured run. */
  readonly folder: string;
  /** Name or file; undefined: the shipped one for the model of the log. */
  readonly preset: string | undefined;
  readonly log: RunLogOptions;
  readonly json: boolean;
}

export interface CalibrateArguments extends LogArguments {
  readonly full: boolean;
  /** File that the preset is written to; undefined: it is printed. */
  readonly out: string | undefined;
}

export interface ValidateArguments extends LogArguments {
  /** Draws of the coefficients; 0: none. */
  readonly draws: number;
  readonly seed: number;
  readonly out: string | undefined;
}

export interface PresetsArguments {
  /** Folder of measured engines to fit the shipped presets to; undefined: list them. */
  readonly refit: string | undefined;
  /** Where the fitted ones are written. */
  readonly out: string | undefined;
}

const LOG_HELP =
  'DIR holds meta.json, requests.jsonl and timeseries.csv of a measured run of vLLM. The first 40 % of its requests ' +
  'may be fitted, the rest validates.';

export function calibrateBuilder(yargs: Argv): Argv {
  return logFlags(yargs)
    .option('full', { ...SWITCH, describe: 'Fit every coefficient; without it one factor on all of them' })
    .option('out', { ...VALUE, describe: 'Write the preset to this file (.yaml) instead of printing it' })
    .option('json', { ...SWITCH, describe: 'The preset as JSON instead of YAML' })
    .epilog(`${LOG_HELP} Makes a preset file, for --preset and for engine.preset of a scenario.\n\n${exitCodeHelp()}`);
}

export function validateBuilder(yargs: Argv): Argv {
  return logFlags(yargs)
    .option('uncertainty', { ...VALUE, describe: 'Replay with so many draws of the coefficients, show 5 to 95 %' })
    .option('seed', { ...VALUE, describe: 'Of those draws (default 1)' })
    .option('out', { ...VALUE, describe: 'Write report.md, chart.svg and validation.json into this folder' })
    .option('json', { ...SWITCH, describe: 'Print one JSON document instead of the table' })
    .epilog(`${LOG_HELP}\n\n${exitCodeHelp()}`);
}

export function presetsBuilder(yargs: Argv): Argv {
  return yargs
    .option('refit', { ...VALUE, describe: 'Fit the shipped presets again to the measured engines in this folder' })
    .option('out', { ...VALUE, describe: 'With --refit: write them into this folder' })
    .epilog(exitCodeHelp());
}

function logFlags(yargs: Argv): Argv {
  return yargs
    .positional('dir', { type: 'string', describe: 'Folder of the measured run' })
    .option('preset', { ...VALUE, describe: 'Preset by name or file (default: the shipped one of that model)' })
    .option('workload', { ...VALUE, describe: 'Workload file, where the path in meta.json leads nowhere; or none' })
    .option('kv-blocks', { ...VALUE, describe: 'Usable KV blocks, where meta.json has no num_gpu_blocks' })
    .option('block-tokens', { ...VALUE, describe: 'Tokens of a KV block, where meta.json has no block_size' })
    .option('scheduling', { ...VALUE, describe: 'sync or async (default: as the version of vLLM in meta.json does)' });
}

/** Throws UsageError. */
export function readCalibrateArguments(argv: Parsed): CalibrateArguments {
  return { ...logArguments('calibrate', argv), full: switched(argv, 'full'), out: presetPath(single(argv, 'out')) };
}

/** Throws UsageError. */
export function readValidateArguments(argv: Parsed): ValidateArguments {
  return {
    ...logArguments('validate', argv),
    draws: wholeOf(argv, 'uncertainty', 2, DRAWS_MAX) ?? 0,
    seed: wholeOf(argv, 'seed', 0, Number.MAX_SAFE_INTEGER) ?? 1,
    out: single(argv, 'out'),
  };
}

/** Throws UsageError. */
export function readPresetsArguments(argv: Parsed): PresetsArguments {
  refuseOperands(argv);
  const refit = single(argv, 'refit');
  const out = single(argv, 'out');
  if (refit === undefined && out !== undefined) throw new UsageError('--out: allowed with --refit only');
  return { refit, out };
}

function logArguments(command: string, argv: Parsed): LogArguments {
  const [folder, extra] = [...listOf(argv['dir']), ...listOf(argv['_']).slice(1)];
  if (folder === undefined || extra !== undefined) throw new UsageError(`${command}: allowed one folder`);
  return {
    folder: nonEmpty('dir', folder),
    preset: single(argv, 'preset'),
    log: {
      workload: single(argv, 'workload'),
      blocks: wholeOf(argv, 'kv-blocks', 1, BLOCKS_MAX),
      blockTokens: wholeOf(argv, 'block-tokens', 1, BLOCK_TOKENS_MAX),
      schedulesAhead: aheadOf(single(argv, 'scheduling')),
    },
    json: switched(argv, 'json'),
  };
}

/** A path that `--preset` and scenarios take for a file, not for a name. */
function presetPath(path: string | undefined): string | undefined {
  if (path === undefined || /\.(ya?ml|json)$/.test(path)) return path;
  throw new UsageError(`--out: value ${JSON.stringify(path)}; allowed a file that ends in .yaml, .yml or .json`);
}

function aheadOf(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  if (text === 'async' || text === 'sync') return text === 'async';
  throw new UsageError(`--scheduling: value ${JSON.stringify(text)}; allowed sync, async`);
}
