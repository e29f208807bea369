/**
 * What a worker thread of a campaign does: it keeps one bench, made from what its pool was set up with, and does
 * jobs.
 */
import { workerData } from 'piscina';
import { FuzzBench, type FuzzSetup } from './bench.ts';
import { doJob, type FuzzAnswer, type FuzzJob } from './fuzz-job.ts';

const bench = FuzzBench.make(workerData as FuzzSetup);
// Whoever sends the first job is told.
bench.catch(() => undefined);

export async function fuzzInThread(job: FuzzJob): Promise<FuzzAnswer> {
  return doJob(await bench, job);
}
