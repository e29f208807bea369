/**
 * `spillway batch`: runs a file of requests against a proxy or workers. It ends with 0 when every row is in the
 * results, 1 when some are in the errors, 5 when policies ended it early, 130 after an interrupt; run again it goes on.
 */
import { dirname } from 'node:path';
import { hashOf, hashOfFile } from '../lab/canonical-hash.ts';
import { readYamlConfig } from '../lab/yaml-config.ts';
import { BatchError } from '../live/batch/batch-error.ts';
import { type BatchProgress, BatchRun } from '../live/batch/batch-run.ts';
import { type BatchConfig, batchConfigSchema } from '../live/batch/config-schema.ts';
import { Ledger } from '../live/batch/ledger.ts';
import { type BatchSettings, readBatchSettings } from '../live/batch/settings.ts';
import type { BatchArguments } from './batch-arguments.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { RowProgress } from './progress.ts';
import { type Entries, entriesWith } from './proxy-config.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const SHOWN_EVERY_MS = 100;
const MS_PER_SEC = 1000;

/** Throws UsageError, ScenarioError. */
export async function batchCommand(args: BatchArguments, terminal: Terminal): Promise<ExitCode> {
  const entries = await entriesWith(args.policies);
  const { data: config } = readYamlConfig(args.config, batchConfigSchema(entries));
  try {
    const settings = settingsOf(config, args.config);
    const { rows: input, out, errors, retryErrors } = args;
    const ledger = await Ledger.open({
      ...{ input, out, errors, retryErrors },
      configHash: hashOf({ config, policies: args.policies === undefined ? '' : hashOfFile(args.policies) }),
      urls: config.urls,
    });
    return await withLedger(ledger, settings, entries, args, terminal);
  } catch (error) {
    if (error instanceof BatchError) throw new UsageError(error.message);
    throw error;
  }
}

/** Throws UsageError. */
function settingsOf(config: BatchConfig, file: string): BatchSettings {
  try {
    return readBatchSettings(config, dirname(file));
  } catch (error) {
    if (error instanceof BatchError) throw new UsageError(`${file}: ${error.message}`);
    throw error;
  }
}

async function withLedger(
  ledger: Ledger,
  settings: BatchSettings,
  entries: Entries,
  { out, errors }: BatchArguments,
  terminal: Terminal,
): Promise<ExitCode> {
  const before = ledger.completed + ledger.failed;
  if (before > 0 && before < ledger.size) terminal.warn(`${out}: goes on: ${before} of ${ledger.size} rows are done`);
  const startedAt = performance.now();
  let ended: Ended = { interrupted: false, reason: 'finished', calls: 0 };
  try {
    if (before < ledger.size) ended = await runRows(ledger, settings, entries, terminal);
  } finally {
    await ledger.close();
  }
  const { failure, completed, failed, size } = ledger;
  if (failure !== undefined) {
    throw new UsageError(`${failure.message}; allowed a disk with room: what is there stays, run again to go on`);
  }
  const seconds = ((performance.now() - startedAt) / MS_PER_SEC).toFixed(1);
  const counts = `${completed} of ${size} rows completed, ${failed} failed${failed > 0 ? ` (${errors})` : ''}`;
  await terminal.print(`${out}: ${counts}; ${ended.calls} calls in ${seconds} s\n`);
  return exitCode(ended, ledger, terminal);
}

interface Ended {
  readonly interrupted: boolean;
  readonly reason: string;
  readonly calls: number;
}

async function runRows(
  ledger: Ledger,
  settings: BatchSettings,
  entries: Entries,
  terminal: Terminal,
): Promise<Ended> {
  const run = new BatchRun({ settings, entries, ledger, seed: 'batch' });
  let interrupted = false;
  const onInterrupt = (): void => {
    interrupted = true;
    run.interrupt();
  };
  const bar = terminal.progress ? new RowProgress() : undefined;
  const shown = bar && setInterval(() => bar.update(run.progress()), SHOWN_EVERY_MS);
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onInterrupt);
  try {
    const reason = await run.run();
    const { calls }: BatchProgress = run.progress();
    return { interrupted, reason, calls };
  } finally {
    clearInterval(shown);
    bar?.stop();
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onInterrupt);
  }
}

function exitCode({ interrupted, reason }: Ended, ledger: Ledger, terminal: Terminal): ExitCode {
  const left = ledger.size - ledger.completed - ledger.failed;
  if (left === 0) return ledger.failed > 0 ? EXIT.expectationFailed : EXIT.ok;
  const why = interrupted ? 'interrupted' : reason === 'early-shutdown' ? 'too many rows failed' : reason;
  terminal.warn(`${why}: ${left} rows are to do; run again to go on`);
  return interrupted ? EXIT.interrupted : EXIT.unfinished;
}
