/**
 * The hidden command behind `--check-determinism`: runs the world it is sent, answers with its history, ends.
 */
import { PolicyFault } from '../lab/guarded-policy.ts';
import { runScenario } from '../lab/run.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { replayHere } from './replay-here.ts';
import type { ReplayAnswer, ReplayRequest } from './replay-protocol.ts';
import { UsageError } from './usage-error.ts';

export async function replayCommand(): Promise<ExitCode> {
  if (process.send === undefined) throw new UsageError('internal-replay is for --check-determinism only');
  const { resolved, stretch } = await new Promise<ReplayRequest>((resolve) => {
    process.once('message', resolve);
  });
  let answer: ReplayAnswer;
  try {
    answer = { replay: await replayHere(runScenario, resolved)(stretch) };
  } catch (error) {
    answer = failureOf(error);
  }
  await new Promise<void>((resolve) => process.send?.(answer, undefined, {}, () => resolve()));
  process.disconnect();
  return EXIT.ok;
}

function failureOf(error: unknown): ReplayAnswer {
  if (error instanceof PolicyFault) return { failure: error.message, ofPolicy: true };
  return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error), ofPolicy: false };
}
