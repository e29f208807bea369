/**
 * `spillway presets`: what each shipped preset is of, where it comes from and how far off it is; with `--refit` they
 * are fitted again to the measurements they name, and printed or written.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { shippedPresets } from '../lab/preset.ts';
import type { Preset } from '../lab/preset-schema.ts';
import { formatPercent } from '../report/format.ts';
import { presetText } from '../truth/preset-document.ts';
import { refittedPresets } from '../truth/refit.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { checkOutputPath } from './output-folder.ts';
import type { Terminal } from './terminal.ts';
import type { PresetsArguments } from './truth-arguments.ts';
import { writeError, writeWhole } from './write-files.ts';

/** Throws ScenarioError, UsageError. */
export async function presetsCommand(args: PresetsArguments, terminal: Terminal): Promise<ExitCode> {
  if (args.refit === undefined) {
    await terminal.print(`${shippedPresets().map(described).join('\n\n')}\n`);
    return EXIT.ok;
  }
  if (args.out !== undefined) checkOutputPath(args.out);
  const documents = refittedPresets(args.refit);
  if (args.out === undefined) {
    await terminal.print(documents.map(presetText).join('---\n'));
    return EXIT.ok;
  }
  try {
    mkdirSync(args.out, { recursive: true });
  } catch (error) {
    throw writeError(args.out, error);
  }
  for (const document of documents) writeWhole(join(args.out, `${document.name}.yaml`), presetText(document));
  await terminal.print(`${documents.length} presets in ${args.out}\n`);
  return EXIT.ok;
}

function described(preset: Preset): string {
  const { name, model, hardware, software, source, fittedOn, form, errors, pool, engine } = preset;
  const size = engine.blocks === undefined ? undefined : `${engine.blocks} × ${engine.blockTokens ?? 16} tokens`;
  return [
    name,
    `  model     ${model}`,
    `  hardware  ${hardware}`,
    ...(software === undefined ? [] : [`  software  ${software}`]),
    `  source    ${source}`,
    `  fitted on ${fittedOn}`,
    `  form      ${form}`,
    ...errors.map((error) => `  error     ${errorText(error)}`),
    ...(size === undefined ? [] : [`  KV pool   ${size}${pool === undefined ? '' : `; ${pool}`}`]),
  ].join('\n');
}

function errorText({ of, count, fitted, heldOut }: Preset['errors'][number]): string {
  const of2 = count === undefined ? of : `${of} (${count})`;
  const parts = [...deviationTexts('fitted', fitted), ...deviationTexts('held out', heldOut)];
  return `${of2}: ${parts.join('; ')}`;
}

function deviationTexts(what: string, deviation: Preset['errors'][number]['fitted']): string[] {
  if (deviation === undefined) return [];
  const { median, p95, max } = deviation;
  const named = [['median', median], ['p95', p95], ['max', max]] as const;
  const texts = named.flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${formatPercent(value)}`]));
  return [`${what} ${texts.join(', ')}`];
}
