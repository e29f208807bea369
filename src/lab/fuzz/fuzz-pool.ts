/**
 * Threads of a campaign. A policy that never answers blocks its thread for good, so the owner of the pool tells it of
 * every second (`tick`); a job without progress for so many is ended with its thread, and the run it was at is a
 * failure of its own.
 */
import { extname, join } from 'node:path';
import { Piscina } from 'piscina';
import { ScenarioError } from '../scenario-error.ts';
import type { FuzzBench, FuzzSetup, Trial } from './bench.ts';
import { type Failure, hanging } from './failure.ts';
import { AT_RUN, doJob, type FuzzAnswer, type FuzzJob, newProgress, type RangeReport, STEPS } from './fuzz-job.ts';
import { newLastCall, readLastCall } from './last-call.ts';
import type { ScenarioDocument } from './scenario-arbitrary.ts';

export interface FuzzPoolOptions {
  readonly setup: FuzzSetup;
  /** Of the same setup, for what runs here. */
  readonly bench: FuzzBench;
  /** Threads; 0: everything runs here, and nobody can end a hang. */
  readonly jobs: number;
  /** Once a run hangs, those that wait are left out: each that hangs costs seconds. */
  readonly endAtHang?: boolean | undefined;
  /** Ends what runs. */
  readonly abort?: AbortSignal | undefined;
  /** Awaited before a job that runs here, so that the caller's event loop can turn. */
  readonly pause?: (() => Promise<void>) | undefined;
}

/** Seconds without progress: of a run of the campaign, and of a try while shrinking what hangs already. */
const STALLED_S = 10;
export const STALLED_AGAIN_S = 2;

/** In a checkout a thread must learn to load TypeScript first. */
const THREAD_FILE = extname(import.meta.filename) === '.js' ? 'fuzz-thread.js' : 'source-thread.mjs';
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
  #hasHung = false;
  #threads: Piscina | undefined;

  constructor(options: FuzzPoolOptions) {
    this.#options = options;
    options.abort?.addEventListener('abort', () => {
      for (const { controller } of this.#watched) controller.abort();
    });
  }

  get aborted(): boolean {
    return this.#options.abort?.aborted === true;
  }

  /** A second has passed. */
  tick(): void {
    for (const job of this.#watched) {
      const steps = Atomics.load(job.progress, STEPS);
      // It waits for a thread, or its thread is loading.
      if (steps === 0) continue;
      job.stalled = steps === job.steps ? job.stalled + 1 : 0;
      job.steps = steps;
      if (job.stalled >= job.limit) job.controller.abort();
    }
  }

  /** Runs of the campaign, numbered from `from` up to `to`. Rejects with ScenarioError; undefined: it was aborted. */
  async range(from: number, to: number): Promise<RangeReport | undefined> {
    if (from >= to || (this.#hasHung && this.#options.endAtHang === true)) return NOTHING;
    try {
      const job = { kind: 'range', from, to, progress: newProgress() } as const;
      return (await this.#do(job, this.#hasHung ? STALLED_AGAIN_S : STALLED_S)) as RangeReport | undefined;
    } catch (error) {
      if (!(error instanceof Stalled)) throw error;
      const { run } = error;
      this.#hasHung = true;
      const [before, after] = [await this.range(from, run), await this.range(run + 1, to)];
      if (before === undefined || after === undefined) return undefined;
      return joined(joined(before, { ...NOTHING, failures: [{ run, failure: hanging(STALLED_S) }] }), after);
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

  /** What a scenario hangs in, when that is a policy of the user's own. It is run once more, and ended again. */
  async whereItHangs(document: ScenarioDocument): Promise<Failure | undefined> {
    const lastCall = newLastCall();
    try {
      const job = { kind: 'trial', document, twice: false, progress: newProgress(), lastCall } as const;
      await this.#do(job, STALLED_AGAIN_S);
      return undefined;
    } catch (error) {
      if (!(error instanceof Stalled)) throw error;
      return hanging(STALLED_AGAIN_S, readLastCall(lastCall));
    }
  }

  async close(): Promise<void> {
    await this.#threads?.destroy();
  }

  async #do(job: FuzzJob, limit: number): Promise<FuzzAnswer | undefined> {
    if (this.aborted) return undefined;
    const answer = this.#options.jobs > 0 ? await this.#inThread(job, limit) : await this.#here(job);
    if (answer !== undefined && 'input' in answer) throw new ScenarioError([answer.input]);
    return answer;
  }

  async #here(job: FuzzJob): Promise<FuzzAnswer> {
    await this.#options.pause?.();
    return doJob(this.#options.bench, job);
  }

  async #inThread(job: FuzzJob, limit: number): Promise<FuzzAnswer | undefined> {
    const { setup, jobs } = this.#options;
    this.#threads ??= new Piscina({
      filename: join(import.meta.dirname, THREAD_FILE),
      minThreads: jobs,
      maxThreads: jobs,
      workerData: setup,
    });
    const controller = new AbortController();
    const watched: Watched = { progress: job.progress, controller, limit, steps: 0, stalled: 0 };
    this.#watched.add(watched);
    try {
      return (await this.#threads.run(job, { name: THREAD, signal: controller.signal })) as FuzzAnswer;
    } catch (error) {
      if (this.aborted) return undefined;
      if (controller.signal.aborted) throw new Stalled(Atomics.load(job.progress, AT_RUN));
      throw error;
    } finally {
      this.#watched.delete(watched);
    }
  }
}

const NOTHING: RangeReport = { failures: [], marks: {}, events: 0 };

/** Two reports of ranges, one after the other. */
export function joined(first: RangeReport, second: RangeReport): RangeReport {
  const marks = { ...first.marks };
  for (const [mark, runs] of Object.entries(second.marks) as [keyof typeof marks, number][]) {
    marks[mark] = (marks[mark] ?? 0) + runs;
  }
  return { failures: [...first.failures, ...second.failures], marks, events: first.events + second.events };
}
