/** A terminal that remembers, and a runner that answers at once. */
import type { Runner, RunOutcome } from '../../src/lab/run-types.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { type ExitCode } from '../../src/cli/exit-codes.ts';
import { runProgram } from '../../src/cli/program.ts';
import { recordOf, richResult } from '../results/samples.ts';

export interface Said {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

/** Runs one command line in this process. */
export async function say(args: readonly string[], run: Runner = fakeRunner()): Promise<Said> {
  let out = '';
  let err = '';
  const terminal: Terminal = {
    print: (text) => {
      out += text;
      return Promise.resolve();
    },
    warn: (line) => {
      err += `${line}\n`;
    },
    width: 100,
    colors: false,
    progress: false,
  };
  const code = await runProgram(args, terminal, run);
  return { code, out, err };
}

/**
 * Tells of two records and ends as asked; the result's variant and seed are those of the world it was given.
 */
export function fakeRunner(outcome: Partial<RunOutcome> = {}): Runner {
  return (resolved, options) => {
    options?.onRecord?.(recordOf({ id: 1 }));
    options?.onRecord?.(recordOf({ id: 2 }));
    const result = richResult({ variant: resolved.variant, seed: resolved.config.seed });
    return Promise.resolve({ result, status: 'ok', checkpoints: [], held: [], ...outcome });
  };
}
