/**
 * The hold model of the event queue: pop the earliest event, push it again after a random delay, with a constant number
 * pending. Beside it, in the same rounds, `std::priority_queue` (when g++ is present) and a heap of objects. Every
 * contender meets the same delays and must end at the same time, so all pop the same history.
 *
 * CPU time, not elapsed time, is counted, and rounds are interleaved: other work on the machine blurs a round but
 * favours nobody. Each contender's best round counts, with the median beside it; a ratio above 1 says that we are
 * faster than C++.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Bench } from 'tinybench';
import { EventQueue, PHASE } from '../../src/kernel/event-queue.ts';
import { ObjectHeap } from './object-heap.ts';

const SIZES = [1e3, 1e5, 1e6];
const OPERATIONS = 200_000;
const ROUNDS = 13;
const OURS = 'Spillway EventQueue';
const CPP = 'C++ std::priority_queue';
const OBJECTS = 'heap of objects';

/** Xorshift32 (Marsaglia 2003), as in hold-model.cpp: whole delays from 1 to 2^20. */
class Delays {
  #state = 2463534242 | 0;

  next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return 1 + (state >>> 12);
  }

  /** What is left of a delay under way: the smaller of two. The queue then starts in its steady state. */
  first(): number {
    return Math.min(this.next(), this.next());
  }
}

interface Contender {
  /** Runs so many operations; answers the time of the last event popped. */
  hold(operations: number): number;
}

class OursContender implements Contender {
  readonly #queue = new EventQueue<Contender>();
  readonly #delays = new Delays();

  constructor(pending: number) {
    for (let i = 0; i < pending; i++) this.#queue.push(this.#delays.first(), PHASE.io, 0, 0, this);
  }

  hold(operations: number): number {
    const queue = this.#queue;
    for (let i = 0; i < operations; i++) {
      queue.pop();
      queue.push(queue.at + this.#delays.next(), PHASE.io, 0, queue.kind, queue.data as Contender);
    }
    return queue.at;
  }
}

class ObjectsContender implements Contender {
  readonly #heap = new ObjectHeap();
  readonly #delays = new Delays();

  constructor(pending: number) {
    for (let i = 0; i < pending; i++) this.#heap.push(this.#delays.first(), this);
  }

  hold(operations: number): number {
    let at = 0;
    for (let i = 0; i < operations; i++) {
      const event = this.#heap.pop();
      at = event.at;
      this.#heap.push(at + this.#delays.next(), event.data);
    }
    return at;
  }
}

/** Path of the compiled C++ program, or undefined when there is no g++. */
function compileCpp(directory: string): string | undefined {
  let root = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(root, 'package.json'))) root = dirname(root);
  const program = join(directory, 'hold-model');
  try {
    execFileSync('g++', ['-O2', '-o', program, join(root, 'test/bench/hold-model.cpp')], { stdio: 'pipe' });
    return program;
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    console.log(absent ? '  g++ is not installed: no comparison with C++' : `  g++ failed: ${String(error)}`);
    return undefined;
  }
}

/** CPU milliseconds of `operations`, which end at time `end`. */
interface Timing {
  readonly ms: number;
  readonly end: number;
}

function timeOurs(contender: Contender): Timing {
  const before = process.cpuUsage();
  const end = contender.hold(OPERATIONS);
  const used = process.cpuUsage(before);
  return { ms: (used.user + used.system) / 1000, end };
}

function timeCpp(program: string, pending: number, warmOperations: number): Timing {
  const args = [pending, warmOperations, OPERATIONS].map(String);
  const [ms, end] = execFileSync(program, args, { encoding: 'utf8' }).split(' ').map(Number) as [number, number];
  return { ms, end };
}

/** Ns of one hold operation, by contender, round by round. */
async function measure(pending: number, cpp: string | undefined): Promise<Map<string, number[]>> {
  const ours = new OursContender(pending);
  const objects = new ObjectsContender(pending);
  const samples = new Map<string, number[]>();
  for (let round = 0; round <= ROUNDS; round++) {
    const ends = new Set<number>();
    const task = (timing: Timing) => {
      ends.add(timing.end);
      return { overriddenDuration: timing.ms };
    };
    const bench = new Bench({ iterations: 1, time: 0, warmup: false });
    bench.add(OURS, () => task(timeOurs(ours)), { async: false });
    const warm = round === 0 ? 0 : OPERATIONS;
    if (cpp !== undefined) bench.add(CPP, () => task(timeCpp(cpp, pending, warm)), { async: false });
    bench.add(OBJECTS, () => task(timeOurs(objects)), { async: false });
    await bench.run();
    // The first round warms up and compares histories; later ones measure, C++ the same stretch again and again.
    if (round === 0 && ends.size > 1) throw new Error(`histories differ: they end at ${[...ends].join(', ')}`);
    if (round === 0) continue;
    for (const { name, result } of bench.tasks) {
      if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`);
      const ns = (result.latency.mean * 1e6) / OPERATIONS;
      samples.set(name, [...(samples.get(name) ?? []), ns]);
    }
  }
  return samples;
}

function best(values: readonly number[]): number {
  return Math.min(...values);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}

/** Prints ns an operation and the ratio of speeds, ours ÷ C++, for each size. */
export async function run(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'spillway-bench-'));
  try {
    const cpp = compileCpp(directory);
    console.log('  ns of CPU a hold operation (pop + push): best round (median round)');
    for (const pending of SIZES) {
      const ns = await measure(pending, cpp);
      const cells = [...ns].map(([name, rounds]) => {
        return `${name} ${best(rounds).toFixed(0)} (${median(rounds).toFixed(0)})`;
      });
      const [ours, theirs] = [ns.get(OURS) ?? [], ns.get(CPP)];
      if (theirs !== undefined) {
        const ratios = [best, median].map((of) => (of(theirs) / of(ours)).toFixed(2));
        cells.push(`speed ours/C++ ${ratios[0]} (${ratios[1]})`);
      }
      console.log(`  ${pending.toExponential(0).replace('+', '')} pending: ${cells.join(', ')}`);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
