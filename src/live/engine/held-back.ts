/**
 * What reached an engine that hangs or is cut off, and what it has to say meanwhile: it waits, each way in its order,
 * until the way is open. A question whose asker gave up is forgotten.
 */
import type { ServerResponse } from 'node:http';
import type { Way } from './fault-board.ts';

type Job = () => void;

export class HeldBack {
  readonly #jobs: Readonly<Record<Way, Set<Job>>> = {
    completions: new Set(),
    requests: new Set(),
    reports: new Set(),
    probes: new Set(),
  };

  get size(): number {
    return Object.values(this.#jobs).reduce((sum, { size }) => sum + size, 0);
  }

  /** `asker`: whom the job would answer; undefined: it is to be done anyhow. */
  add(way: Way, job: Job, asker?: ServerResponse): void {
    const jobs = this.#jobs[way];
    jobs.add(job);
    asker?.once('close', () => jobs.delete(job));
  }

  /** Does what waits on ways that are open. */
  release(isShut: (way: Way) => boolean): void {
    for (const [way, jobs] of Object.entries(this.#jobs) as [Way, Set<Job>][]) {
      if (isShut(way)) continue;
      for (const job of jobs) {
        jobs.delete(job);
        job();
      }
    }
  }

  clear(): void {
    for (const jobs of Object.values(this.#jobs)) jobs.clear();
  }
}
