/**
 * Runs of incidents on several threads; results do not depend on how many there are. As `run-pool.ts`, one job and
 * uncompiled sources run here.
 */
import { extname, join } from 'node:path';
import { Piscina } from 'piscina';
import { InvariantError } from '../../kernel/assert.ts';
import { ScenarioError } from '../scenario-error.ts';
import { errorKind } from '../user-error.ts';

/** What a thread answers: classes of errors do not survive the way back, kind and text do. */
export type Answer<T> =
  { readonly value: T } | { readonly failure: string; readonly kind: ReturnType<typeof errorKind> };

const COMPILED = extname(import.meta.filename) === '.js';

/** What `work` comes to, as a thread can say it. */
export async function answerOf<T>(work: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    const kind = errorKind(error);
    const text = error instanceof Error ? error.message : String(error);
    return { failure: kind === 'unknown' && error instanceof Error ? (error.stack ?? text) : text, kind };
  }
}

export class IncidentPool<Task, Value> {
  readonly #jobs: number;
  readonly #name: string;
  readonly #work: (task: Task) => Promise<Answer<Value>>;
  #threads: Piscina | undefined;

  /** `work` is the function of `incident-thread.ts` that each task is given to. */
  constructor(jobs: number, work: (task: Task) => Promise<Answer<Value>>) {
    this.#jobs = jobs;
    this.#name = work.name;
    this.#work = work;
  }

  /** Throws what the task came to. */
  async run(task: Task): Promise<Value> {
    const answer = this.#jobs === 1 || !COMPILED ? await this.#work(task) : await this.#thread(task);
    if ('value' in answer) return answer.value;
    if (answer.kind === 'input') throw new ScenarioError([answer.failure]);
    throw answer.kind === 'unknown' ? new Error(answer.failure) : new InvariantError(answer.failure);
  }

  async close(): Promise<void> {
    await this.#threads?.destroy();
  }

  async #thread(task: Task): Promise<Answer<Value>> {
    this.#threads ??= new Piscina({
      filename: join(import.meta.dirname, 'incident-thread.js'),
      minThreads: this.#jobs,
      maxThreads: this.#jobs,
    });
    return (await this.#threads.run(task, { name: this.#name })) as Answer<Value>;
  }
}
