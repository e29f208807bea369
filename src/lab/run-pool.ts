/**
 * Many runs on several threads. Each run is a world of its own and every answer is put where its run was asked for, so
 * results do not depend on how many threads there are or which is first. One job runs here, without a thread; so do all
 * when the sources run uncompiled, since a thread cannot load TypeScript.
 */
import { extname, join } from 'node:path';
import { Piscina } from 'piscina';
import { InvariantError } from '../kernel/assert.ts';
import { PolicyFault } from './guarded-policy.ts';
import type { ResolvedScenario } from './resolve.ts';
import { runInThread, type ThreadAnswer, type ThreadRun } from './run-thread.ts';
import { ScenarioError } from './scenario-error.ts';

export interface PoolOptions {
  /** Threads, ≥ 1. */
  readonly jobs: number;
  /** Ends what runs. */
  readonly abort?: AbortSignal | undefined;
  /** Where threads count what code of the user's own they run (own-code.ts), for a watchdog. */
  readonly ownCode?: SharedArrayBuffer | undefined;
  /** Awaited between runs when there is one job, so that the caller's event loop can turn. */
  readonly pause?: (() => Promise<void>) | undefined;
}

const COMPILED = extname(import.meta.filename) === '.js';

export class RunPool {
  readonly #options: PoolOptions;
  #threads: Piscina | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * Runs all; one entry each, in order. Undefined: it was stopped before. `onRun` is told of each as it ends, in no
   * order. Rejects as `runScenario` does, for the first of the list that fails.
   */
  async all(
    worlds: readonly ResolvedScenario[],
    onRun?: (run: ThreadRun, index: number) => void,
  ): Promise<(ThreadRun | undefined)[]> {
    const { jobs, abort } = this.#options;
    const runs = new Array<ThreadRun | undefined>(worlds.length).fill(undefined);
    const failures = new Map<number, Error>();
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < worlds.length && abort?.aborted !== true && failures.size === 0) {
        const index = next++;
        const answer = await this.#run(worlds[index] as ResolvedScenario);
        if (answer === undefined) return;
        if ('failure' in answer) failures.set(index, errorOf(answer));
        else {
          runs[index] = answer;
          onRun?.(answer, index);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(jobs, worlds.length) }, worker));
    const [first] = [...failures].sort(([a], [b]) => a - b);
    if (first !== undefined) throw first[1];
    return runs;
  }

  async close(): Promise<void> {
    await this.#threads?.destroy();
  }

  async #run(world: ResolvedScenario): Promise<ThreadAnswer | undefined> {
    const { jobs, abort, pause, ownCode } = this.#options;
    if (jobs === 1 || !COMPILED) {
      await pause?.();
      return runInThread(world);
    }
    this.#threads ??= new Piscina({
      filename: join(import.meta.dirname, 'run-thread.js'),
      minThreads: jobs,
      maxThreads: jobs,
      workerData: ownCode,
    });
    try {
      const options = { name: runInThread.name, ...(abort === undefined ? {} : { signal: abort }) };
      return (await this.#threads.run(world, options)) as ThreadAnswer;
    } catch (error) {
      if (abort?.aborted === true) return undefined;
      throw error;
    }
  }
}

function errorOf({ failure, kind }: Extract<ThreadAnswer, { failure: string }>): Error {
  switch (kind) {
    case 'input':
      return new ScenarioError([failure]);
    case 'policy':
      return new PolicyFault(failure);
    case 'invariant':
      return new InvariantError(failure);
    case 'unknown':
      return new Error(failure);
    default:
      return kind satisfies never;
  }
}
