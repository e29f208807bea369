/**
 * The same run in a fresh process: this command line again, with node's own flags (so that sources run under
 * tsx too) and the world sent over the channel. State that leaked from one run into the next cannot follow it
 * there.
 */
import { type ChildProcess, fork, type StdioOptions } from 'node:child_process';
import { extname, join } from 'node:path';
import type { Replay, Replayer } from '../lab/determinism.ts';
import { PolicyFault } from '../lab/guarded-policy.ts';
import type { ResolvedScenario } from '../lab/resolve.ts';
import type { StopSignal } from '../lab/run-types.ts';
import { REPLAY_COMMAND, type ReplayAnswer, type ReplayRequest } from './replay-protocol.ts';

/** How often a waiting parent looks whether it was told to stop. */
const LOOK_EVERY_MS = 50;

export function replayElsewhere(resolved: ResolvedScenario, signal: Readonly<StopSignal>): Replayer {
  return async (stretch) => {
    const main = join(import.meta.dirname, `main${extname(import.meta.filename)}`);
    const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] satisfies StdioOptions;
    const child = fork(main, [REPLAY_COMMAND], { serialization: 'advanced', stdio });
    const stopper = setInterval(() => {
      if (signal.stopped) child.kill('SIGKILL');
    }, LOOK_EVERY_MS);
    try {
      return await answerOf(child, { resolved, stretch });
    } finally {
      clearInterval(stopper);
      child.kill('SIGKILL');
    }
  };
}

function answerOf(child: ChildProcess, request: ReplayRequest): Promise<Replay> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, by) => {
      reject(new Error(`the second process ended with ${by ?? code} and no answer`));
    });
    child.once('message', (message) => {
      const answer = message as ReplayAnswer;
      if ('replay' in answer) resolve(answer.replay);
      else {
        const text = `in the second process: ${answer.failure}`;
        reject(answer.ofPolicy ? new PolicyFault(text) : new Error(text));
      }
    });
    child.send(request, (error) => {
      if (error !== null) reject(error);
    });
  });
}
