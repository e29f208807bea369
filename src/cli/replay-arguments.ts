/** The flags of `spillway replay`. */
import type { Argv } from 'yargs';
import { listOf, nonEmpty, type Parsed, single, switched, wholeOf } from './command.ts';
import { POLICIES, SWITCH, VALUE } from './flag-shapes.ts';
import { UsageError } from './usage-error.ts';

export const REPLAY_FLAGS = ['policies', 'preset', 'variant', 'set', 'seed', 'out'] as const;
export const REPLAY_SWITCHES = ['json'] as const;

export interface ReplayArguments {
  readonly journal: string;
  readonly policies: string | undefined;
  /** Undefined: the journal is replayed as it was. */
  readonly whatIf: WhatIf | undefined;
}

/** The recorded arrivals, simulated. */
export interface WhatIf {
  readonly preset: string;
  /** Settings of the policies, each `path=value`, by variant. */
  readonly variants: readonly { readonly name: string; readonly settings: readonly string[] }[];
  readonly set: readonly string[];
  readonly seed: number | undefined;
  readonly out: string | undefined;
  readonly json: boolean;
}

export function replayBuilder(yargs: Argv): Argv {
  return yargs
    .positional('journal', { type: 'string', describe: 'File that spillway proxy --journal wrote' })
    .option('policies', POLICIES)
    .option('preset', { ...VALUE, describe: 'Simulate the recorded arrivals on engines of this preset instead' })
    .option('variant', { ...VALUE, describe: '[NAME:]path=value[;path=value…] of the policies; may be repeated' })
    .option('set', { ...VALUE, describe: 'Override path=value of the simulation, such as fleet.0.count=8' })
    .option('seed', { ...VALUE, describe: 'Of the simulation (default 1)' })
    .option('out', { ...VALUE, describe: 'Write results and report of the simulation into this folder' })
    .option('json', { ...SWITCH, describe: 'Print one JSON document instead of the table' })
    .epilog(WHAT_IF_HELP);
}

const WHAT_IF_HELP = [
  'With --preset: what if? The base has the recorded policies, on as many engines as the gateway had workers. Such as',
  "--preset llama-3.1-8b-h100 --variant 'rr:router.name=round-robin' --variant 'queue.name=codel;retry.name=none'",
].join('\n');

/** Throws UsageError. */
export function readReplayArguments(argv: Parsed): ReplayArguments {
  const [journal, extra] = [...listOf(argv['journal']), ...listOf(argv['_']).slice(1)];
  if (journal === undefined || extra !== undefined) throw new UsageError('replay: allowed one journal');
  return { journal: nonEmpty('journal', journal), policies: single(argv, 'policies'), whatIf: readWhatIf(argv) };
}

function readWhatIf(argv: Parsed): WhatIf | undefined {
  const preset = single(argv, 'preset');
  if (preset === undefined) {
    const own = [...REPLAY_FLAGS, ...REPLAY_SWITCHES].filter((name) => name !== 'policies');
    const given = own.find((name) => argv[name] !== undefined);
    if (given !== undefined) throw new UsageError(`--${given}: without --preset; allowed with a preset only`);
    return undefined;
  }
  const variants = listOf(argv['variant']).map(variantOf);
  const twice = variants.find(({ name }, i) => variants.findIndex((each) => each.name === name) < i);
  if (twice !== undefined) throw new UsageError(`--variant: name ${twice.name} a second time; allowed once`);
  const seed = wholeOf(argv, 'seed', 0, Number.MAX_SAFE_INTEGER);
  return { preset, variants, set: listOf(argv['set']), seed, out: single(argv, 'out'), json: switched(argv, 'json') };
}

function variantOf(text: string, index: number): WhatIf['variants'][number] {
  const [, name = `variant-${index + 1}`, rest = ''] = /^(?:([A-Za-z0-9][\w-]*):)?(.*)$/s.exec(text) ?? [];
  const settings = rest.split(';').map((each) => each.trim());
  if (settings.every((each) => /^[^=\s]+=./.test(each)) && name !== 'base') return { name, settings };
  throw new UsageError(
    `--variant: value ${JSON.stringify(text)}; allowed [NAME:]path=value[;path=value], such as router.name=round-robin`,
  );
}
