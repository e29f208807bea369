/**
 * Threads of a campaign. A policy that never answers blocks its thread for good, so the owner of the pool tells it of
 * every second (`tick`); a job without progress for so many is ended with its thread, and the run it was at is a
 * failure of its own. Where the sources run uncompiled everything runs here, without threads, and nobody can end a
 * hang.
 */
import { extname, join } from 'node:path';
import { Piscina } from 'piscina';
import { ScenarioError } from '../scenario-error.ts';
import type { FuzzBench, FuzzSetup, Trial } from './bench.ts';
import { hanging } from './failure.ts';
import { AT_RUN, doJob, type FuzzAnswer, type FuzzJob, newProgress, type RangeReport, STEPS } from './fuzz-job.ts';
import type { ScenarioDocument } from './scenario-arbitrary.ts';

export interface FuzzPoolOptions {
  readonly setup: FuzzSetup;
  /** Of the same setup, for what runs here. */
  readonly bench: FuzzBench;
  /** Threads, ≥ 1. */
  readonly jobs: number;
  /** Ends what runs. */
  readonly abort?: AbortSignal | undefined;
  /** Awaited before a job that runs here, so that the caller's event loop can turn. */
  readonly pause?: (() => Promise<void>) | undefined;
}

/** Seconds without progress: of a run of the campaign, and of a try while shrinking what hangs already. */
const STALLED_S = 10;
export const STALLED_AGAIN_S = 2;

const COMPILED = extname(import.meta.filename) === '.js';
const THREAD = 'fuzzInThread';

interface Watched {
  readonly progress: Int32Array;
  readonly controller: AbortController;
  readonly limit: number;
  steps: number;
  stalled: number;
}

/** A job was ended because it made no progress; `run` is where it was. */
class Stalled extends Error {
  override readonly name = 'Stalled';
  readonly run: number;

  constructor(run: number) {
    super(`run ${run} makes no progress`);
    this.run = run;
  }
}

export class FuzzPool {
  readonly #options: FuzzPoolOptions;
  readonly #watched = new Set<Watched>();
  #threads: Piscina | undefined;

  constructor(options: FuzzPoolOptions) {
    this.#options = options;
  }

  get jobs(): number {
    return this.#options.jobs;
  }

  get aborted(): boolean {
    return this.#options.abort?.aborted === true;
  }

  /** A second has passed. */
  tick(): void {
    for (const job of this.#watched) {
      const steps = Atomics.load(job.progress, STEPS);
      job.stalled = steps === job.steps ? job.stalled + 1 : 0;
      job.steps = steps;
      if (job.stalled >= job.limit) job.controller.abort();
    }
  }

  /** Runs of the campaign, numbered from `from` up to `to`. Rejects with ScenarioError; undefined: it was aborted. */
  async range(from: number, to: number): Promise<RangeReport | undefined> {
    if (from >= to) return { failures: [], marks: {}, events: 0 };
    try {
      const job = { kind: 'range', from, to, progress: newProgress() } as const;
      return (await this.#do(job, STALLED_S)) as RangeReport | undefined;
    } catch (error) {
      if (!(error instanceof Stalled)) throw error;
      const { run } = error;
      const [before, after] = [await this.range(from, run), await this.range(run + 1, to)];
      if (before === undefined || after === undefined) return undefined;
      return joined(joined(before, { failures: [{ run, failure: hanging(STALLED_S) }], marks: {}, events: 0 }), after);
    }
  }

  /** One scenario. Rejects with ScenarioError; undefined: it was aborted. */
  async trial(document: ScenarioDocument, twice: boolean, stalledS = STALLED_S): Promise<Trial | undefined> {
    try {
      const job = { kind: 'trial', document, twice, progress: newProgress() } as const;
      return (await this.#do(job, stalledS)) as Trial | undefined;
    } catch (error) {
      if (!(error instanceof Stalled)) throw error;
      return { failure: hanging(stalledS), marks: [], digest: undefined, events: 0 };
    }
  }

  async close(): Promise<void> {
    await this.#threads?.destroy();
  }

  async #do(job: FuzzJob, limit: number): Promise<FuzzAnswer | undefined> {
    if (this.aborted) return undefined;
    const answer = COMPILED ? await this.#inThread(job, limit) : await this.#here(job);
    if (answer !== undefined && 'input' in answer) throw new ScenarioError([answer.input]);
    return answer;
  }

  async #here(job: FuzzJob): Promise<FuzzAnswer> {
    await this.#options.pause?.();
    return doJob(this.#options.bench, job);
  }

  async #inThread(job: FuzzJob, limit: number): Promise<FuzzAnswer | undefined> {
    const { setup, jobs, abort } = this.#options;
    this.#threads ??= new Piscina({
      filename: join(import.meta.dirname, 'fuzz-thread.js'),
      minThreads: jobs,
      maxThreads: jobs,
      workerData: setup,
    });
    const controller = new AbortController();
    const onAbort = (): void => controller.abort();
    abort?.addEventListener('abort', onAbort);
    const watched: Watched = { progress: job.progress, controller, limit, steps: -1, stalled: 0 };
    this.#watched.add(watched);
    try {
      return (await this.#threads.run(job, { name: THREAD, signal: controller.signal })) as FuzzAnswer;
    } catch (error) {
      if (this.aborted) return undefined;
      if (controller.signal.aborted) throw new Stalled(Atomics.load(job.progress, AT_RUN));
      throw error;
    } finally {
      this.#watched.delete(watched);
      abort?.removeEventListener('abort', onAbort);
    }
  }
}

/** Two reports of ranges, one after the other. */
export function joined(first: RangeReport, second: RangeReport): RangeReport {
  const marks = { ...first.marks };
  for (const [mark, runs] of Object.entries(second.marks) as [keyof typeof marks, number][]) {
    marks[mark] = (marks[mark] ?? 0) + runs;
  }
  return { failures: [...first.failures, ...second.failures], marks, events: first.events + second.events };
}
