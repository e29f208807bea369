/** `spillway validate`: replays a measured run with a preset and says how far off it is. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  CHART_FILE,
  validationChart,
  validationDocument,
  validationMarkdown,
  validationText,
} from '../report/validation.ts';
import { requiredPreset } from '../truth/log-preset.ts';
import { readRunLog } from '../truth/run-log.ts';
import { validate } from '../truth/validate.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { checkOutputPath } from './output-folder.ts';
import { quoted } from './scenario-file.ts';
import type { Terminal } from './terminal.ts';
import type { ValidateArguments } from './truth-arguments.ts';
import { writeError, writeWhole } from './write-files.ts';

/** Throws ScenarioError, UsageError. */
export async function validateCommand(args: ValidateArguments, terminal: Terminal): Promise<ExitCode> {
  if (args.out !== undefined) checkOutputPath(args.out);
  const log = readRunLog(args.folder, args.log);
  for (const note of log.notes) terminal.warn(note);
  const preset = requiredPreset(log, args.preset);
  const validation = validate(log, preset, args);
  const json = `${JSON.stringify(validationDocument(validation), undefined, 2)}\n`;
  if (args.out !== undefined) {
    makeFolder(args.out);
    writeWhole(join(args.out, 'validation.json'), json);
    writeWhole(join(args.out, CHART_FILE), validationChart(validation));
    writeWhole(join(args.out, 'report.md'), validationMarkdown(validation, commandLine(args)));
  }
  await terminal.print(args.json ? json : validationText(validation, terminal.width));
  return EXIT.ok;
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw writeError(path, error);
  }
}

function commandLine({ folder, preset, log, draws, seed, out }: ValidateArguments): string {
  const flags: readonly (readonly [string, string | number | undefined])[] = [
    ['preset', preset],
    ['workload', log.workload],
    ['kv-blocks', log.blocks],
    ['block-tokens', log.blockTokens],
    ['scheduling', log.schedulesAhead === undefined ? undefined : log.schedulesAhead ? 'async' : 'sync'],
    ['uncertainty', draws === 0 ? undefined : draws],
    ['seed', draws === 0 ? undefined : seed],
    ['out', out],
  ];
  const given = flags.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, quoted(String(value))]));
  return ['spillway validate', quoted(folder), ...given].join(' ');
}
