/**
 * Watches every job of the simulated workers from outside the world's own accounting: an accepted job leaves its worker
 * finished, failed, cancelled or lost in a crash, once, and shows then what was computed of it.
 */
import { DisaggregatedEngine } from '../../src/worker/disaggregated/disaggregated-engine.ts';
import { DynamoEngine } from '../../src/worker/dynamo/dynamo-engine.ts';
import { Endpoint } from '../../src/worker/endpoint.ts';
import { Engine } from '../../src/worker/engine.ts';
import { SglangEngine } from '../../src/worker/sglang/sglang-engine.ts';
import type { JobInit, JobView, WorkerEvent } from '../../src/worker/worker.ts';
import { SimAttempt } from '../../src/sim/messages.ts';

type Job = JobView<SimAttempt>;

/** What a job showed at the moment it left. */
export interface LeftJob {
  readonly attempt: SimAttempt;
  readonly how: 'finished' | 'cancelled' | 'crashed' | 'failed';
  readonly job: Job;
  readonly computedTokens: number;
  readonly recomputedTokens: number;
  readonly generated: number;
}

export interface JobCensus {
  accepted: number;
  readonly left: LeftJob[];
}

interface WatchedWorker {
  submit: (now: number, init: JobInit<SimAttempt>) => number;
  cancel: (now: number, owner: SimAttempt) => Job | undefined;
  crash: (now: number) => readonly Job[];
  take: () => WorkerEvent<SimAttempt> | undefined;
}

/** The census of all workers that live while `run` does. */
export function withCensus<T>(run: () => T): { readonly value: T; readonly census: JobCensus } {
  const census: JobCensus = { accepted: 0, left: [] };
  // A ranked engine is made of engines that are watched; those inside a disaggregated one run parts of jobs.
  const models = [Engine, Endpoint, SglangEngine, DynamoEngine, DisaggregatedEngine];
  const restore = models.map((model) => watch(model.prototype as unknown as WatchedWorker, census));
  try {
    return { value: run(), census };
  } finally {
    for (const undo of restore) undo();
  }
}

function watch(worker: WatchedWorker, census: JobCensus): () => void {
  const { submit, cancel, crash, take } = worker;
  const note = (job: Job, how: LeftJob['how']): void => {
    if (!(job.init.owner instanceof SimAttempt)) return;
    const { computedTokens, recomputedTokens, generated } = job;
    census.left.push({ attempt: job.init.owner, how, job, computedTokens, recomputedTokens, generated });
  };
  worker.submit = function (this: WatchedWorker, now, init) {
    const status = submit.call(this, now, init);
    if (status === 0 && init.owner instanceof SimAttempt) census.accepted++;
    return status;
  };
  worker.cancel = function (this: WatchedWorker, now, owner) {
    const job = cancel.call(this, now, owner);
    if (job !== undefined) note(job, 'cancelled');
    return job;
  };
  worker.crash = function (this: WatchedWorker, now) {
    const jobs = crash.call(this, now);
    for (const job of jobs) note(job, 'crashed');
    return jobs;
  };
  worker.take = function (this: WatchedWorker) {
    const event = take.call(this);
    if (event?.kind === 'finished') note(event.job, 'finished');
    if (event?.kind === 'failed') note(event.job, 'failed');
    return event;
  };
  return () => Object.assign(worker, { submit, cancel, crash, take });
}
