/**
 * `spillway calibrate`: fits a timing to a measured run and prints it as a preset file, or writes one; what it is worth
 * goes to stderr.
 */
import { formatError } from '../report/validation.ts';
import type { Agreement } from '../truth/agreement.ts';
import { calibrateFully, calibrateScale } from '../truth/calibrate.ts';
import { presetOf } from '../truth/log-preset.ts';
import { calibratedPreset, presetText } from '../truth/preset-document.ts';
import { defaultTiming } from '../truth/replay.ts';
import { readRunLog } from '../truth/run-log.ts';
import { timingOf } from '../truth/validate.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';
import type { CalibrateArguments } from './truth-arguments.ts';
import { writeWhole } from './write-files.ts';

/** Throws ScenarioError. */
export async function calibrateCommand(args: CalibrateArguments, terminal: Terminal): Promise<ExitCode> {
  const log = readRunLog(args.folder, args.log);
  for (const note of log.notes) terminal.warn(note);
  const preset = presetOf(log, args.preset);
  const start = preset === undefined ? defaultTiming() : timingOf(preset, log);
  const base = preset === undefined ? "the engine's default timing" : `preset ${preset.name}`;
  const calibration = args.full ? calibrateFully(log, start) : calibrateScale(log, start);
  terminal.warn(`fit from ${base}`);
  terminal.warn(`on the requests fitted: ${errorsOf(calibration.fitted)}`);
  terminal.warn(`on the rest:            ${errorsOf(calibration.heldOut)}`);
  const document = calibratedPreset(log, calibration, base);
  const text = args.json ? `${JSON.stringify(document, undefined, 2)}\n` : presetText(document);
  if (args.out === undefined) await terminal.print(text);
  else {
    writeWhole(args.out, text);
    await terminal.print(`preset ${document.name} in ${args.out}\n`);
  }
  return EXIT.ok;
}

function errorsOf({ latencies: { ttft, tpot, e2e } }: Agreement): string {
  const parts = [['TTFT', ttft], ['TPOT', tpot], ['E2E', e2e]] as const;
  return parts.map(([name, { statistics }]) => `mean ${name} ${formatError(statistics.mean.error)}`).join(', ');
}
