/** What a worker thread of the pool does: runs one resolved scenario and answers its result, or what went wrong. */
import { threadId } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { PolicyFault } from './guarded-policy.ts';
import { countOwnCodeIn } from './own-code.ts';
import { errorKind } from './user-error.ts';
import type { RunStatus } from './run-types.ts';
import type { ResolvedScenario } from './resolve.ts';
import type { RunResult } from '../results/result.ts';
import { runScenario } from './run.ts';

export interface ThreadRun {
  readonly result: RunResult;
  readonly status: RunStatus;
  /** What is still held, one line each. */
  readonly held: readonly string[];
}

/** Classes of errors do not survive the way back from a thread; kind and text do. */
export type ThreadAnswer =
  | ThreadRun
  | { readonly failure: string; readonly kind: ReturnType<typeof errorKind> };

const memory: unknown = Piscina.workerData;
if (memory instanceof SharedArrayBuffer) countOwnCodeIn(memory, threadId);

export async function runInThread(resolved: ResolvedScenario): Promise<ThreadAnswer> {
  try {
    const { result, status, held } = await runScenario(resolved);
    return { result, status, held };
  } catch (error) {
    const kind = errorKind(error);
    const said = error instanceof Error ? error.message : String(error);
    const input = error instanceof PolicyFault ? error.input : undefined;
    const text = input === undefined ? said : `${said}\n  input    ${input}`;
    const stack = error instanceof Error ? (error.stack ?? text) : text;
    return { failure: kind === 'unknown' ? stack : text, kind };
  }
}
