import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PHASE } from '../../src/kernel/event-queue.ts';
import { Endpoint } from '../../src/worker/endpoint.ts';
import { workerScripts } from '../arbitrary/worker-scripts.ts';
import { type WorkerCommand, WorkerDriver } from '../harness/worker-driver.ts';

const RUNS = Number(process.env['SPILLWAY_RUNS'] ?? 1000);
const SEED = Number(process.env['SPILLWAY_SEED'] ?? 20260806);

interface Served {
  readonly owner: number;
  readonly submittedAt: number;
  startedAt: number;
  endAt: number;
}

/** Two plain lists; `serviceUs` is what an endpoint of its own takes for one request. */
class Model {
  readonly log: unknown[][] = [];
  running: Served[] = [];
  waiting: Served[] = [];
  runningUs = 0;
  waitingUs = 0;
  #factor = 1;
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  readonly #serviceUs: (owner: number) => number;

  constructor(maxRunning: number, maxWaiting: number, serviceUs: (owner: number) => number) {
    this.#maxRunning = maxRunning;
    this.#maxWaiting = maxWaiting;
    this.#serviceUs = serviceUs;
  }

  /** Ends everything due before `at`, or at it. */
  endUntil(at: number, inclusive: boolean): void {
    for (;;) {
      const first = [...this.running].sort((a, b) => a.endAt - b.endAt)[0];
      if (first === undefined || first.endAt > at || (first.endAt === at && !inclusive)) return;
      this.log.push(['finished', first.endAt, first.owner]);
      this.#leave(first.endAt, first);
    }
  }

  apply(command: WorkerCommand): void {
    const { at } = command;
    switch (command.kind) {
      case 'submit': {
        const full = this.running.length >= this.#maxRunning && this.waiting.length >= this.#maxWaiting;
        this.log.push(['submit', at, command.job.owner, full ? 503 : 0]);
        if (full) return;
        this.waiting.push({ owner: command.job.owner, submittedAt: at, startedAt: -1, endAt: -1 });
        this.#fill(at);
        break;
      }
      case 'cancel': {
        const found = [...this.running, ...this.waiting].find(({ owner }) => owner === command.owner);
        this.log.push(['cancel', at, command.owner, found !== undefined]);
        if (found !== undefined) this.#leave(at, found);
        break;
      }
      case 'crash': {
        const all = [...this.running, ...this.waiting];
        for (const each of all) this.log.push(['crash', at, each.owner]);
        for (const each of all.reverse()) this.#leave(at, each);
        break;
      }
      case 'slow':
        this.#factor = command.factor;
        break;
      default:
        this.log.push(['read', at, this.running.length, this.waiting.length]);
    }
  }

  #leave(at: number, served: Served): void {
    if (served.startedAt < 0) this.waitingUs += at - served.submittedAt;
    else this.runningUs += at - served.startedAt;
    this.running = this.running.filter((each) => each !== served);
    this.waiting = this.waiting.filter((each) => each !== served);
    this.#fill(at);
  }

  #fill(at: number): void {
    while (this.running.length < this.#maxRunning && this.waiting.length > 0) {
      const next = this.waiting.shift() as Served;
      next.startedAt = at;
      next.endAt = at + Math.max(1, Math.round(this.#serviceUs(next.owner) * this.#factor));
      this.waitingUs += at - next.submittedAt;
      this.running.push(next);
    }
  }
}

function phaseOf(command: WorkerCommand): number {
  if (command.kind === 'submit' || command.kind === 'cancel') return command.phase;
  return command.kind === 'read' ? PHASE.io : PHASE.fault;
}

function shown(log: readonly unknown[][]): unknown[][] {
  return log.flatMap(([kind, at, owner, answer]) => {
    if (kind === 'submit') return [[kind, at, owner, answer]];
    if (kind === 'cancel') return [[kind, at, owner, answer !== undefined]];
    if (kind !== 'read') return [[kind, at, owner]];
    const { running, waiting } = owner as { running: number; waiting: number };
    return [[kind, at, running, waiting]];
  });
}

describe('Endpoint', () => {
  it('equals a model of two lists', () => {
    const maxWaiting = fc.constantFrom(0, 2, Infinity);
    const shape = fc.record({ maxRunning: fc.integer({ min: 1, max: 4 }), maxWaiting });
    let ended = 0;
    const property = fc.property(shape, workerScripts(60), (slots, script) => {
      // What a pause does is another property (pause.property.test.ts).
      const commands = script.commands.filter(({ kind }) => kind !== 'pause');
      const serviceUs = { dist: 'uniform' as const, min: 2, max: 60 };
      const make = (maxRunning: number): Endpoint<number> =>
        new Endpoint<number>({ model: 'endpoint', ...slots, maxRunning, serviceUs }, 7, 'service');
      const alone = make(1000);
      const draws = new Map<number, number>();
      for (const command of commands) {
        if (command.kind !== 'submit') continue;
        alone.submit(0, command.job);
      }
      while (alone.nextAt() !== Infinity) {
        const at = alone.nextAt();
        alone.advance(at);
        for (let event = alone.take(); event !== undefined; event = alone.take()) draws.set(event.job.init.owner, at);
      }
      const model = new Model(slots.maxRunning, slots.maxWaiting, (owner) => draws.get(owner) as number);
      const ordered = [...commands].sort((a, b) => a.at - b.at || phaseOf(a) - phaseOf(b));
      for (const command of ordered) {
        model.endUntil(command.at, phaseOf(command) > PHASE.io);
        model.apply(command);
      }
      model.endUntil(Infinity, true);
      const endpoint = make(slots.maxRunning);
      const { log } = new WorkerDriver(endpoint).plan(...commands).run();
      expect(shown(log)).toEqual(model.log);
      const { runningUs, waitingUs, iterations } = endpoint.totals;
      expect([runningUs + 0, waitingUs + 0]).toEqual([model.runningUs, model.waitingUs]);
      expect(iterations).toBe(log.filter(([kind]) => kind === 'finished').length);
      expect(endpoint.held()).toEqual({ running: 0, waiting: 0, kvBlocks: 0 });
      ended += iterations;
    });
    fc.assert(property, { seed: SEED, numRuns: RUNS });
    expect(ended).toBeGreaterThan(RUNS * 5);
  });
});
