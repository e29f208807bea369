/**
 * What one decision of each registered policy costs and allocates, with its default configuration, over 16 workers.
 *
 * Time: tinybench, CPU time, the median of rounds that are interleaved over all policies, so that other work on the
 * machine favours nobody; beside it the ratio to a pick of round-robin in the same run. The cost of calling a decision
 * at all, measured by an empty one, is taken off.
 *
 * Memory: growth of the used heap over calls that follow a scavenge and are too few to cause one, the median of many
 * such batches, less that of the empty decision. 0 means that the policy allocates nothing when it decides; a router's
 * `pick`, a gate's `allows` and a queue's cycle are on the path of every request.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Bench } from 'tinybench';
import { policyEntries } from '../../policies/index.ts';
import { type Decision, type Subject, subjectOf } from './policy-decisions.ts';

const OPERATIONS = 20_000;
const ROUNDS = 15;
const BATCH = 200;
const BATCHES = 51;
const HOT: readonly string[] = ['queue', 'router', 'gate'];
const EMPTY = 'nothing';
const REFERENCE = 'router round-robin';

type Collect = (options: { readonly type: 'minor' }) => void;

/** V8's own collector of garbage, whatever flags the process was started with. */
function collector(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}

/** Time goes on from round to round: `now` of a policy never decreases. */
class Stopwatch {
  readonly #decide: Decision;
  #calls = 0;
  #sink = 0;

  constructor(decide: Decision) {
    this.#decide = decide;
  }

  run(operations: number): void {
    const decide = this.#decide;
    const end = this.#calls + operations;
    let sink = this.#sink;
    for (let i = this.#calls; i < end; i++) sink ^= decide(i);
    this.#sink = sink;
    this.#calls = end;
  }

  /** CPU milliseconds of one operation. */
  measure(): number {
    const before = process.cpuUsage();
    this.run(OPERATIONS);
    const used = process.cpuUsage(before);
    return (used.user + used.system) / 1000 / OPERATIONS;
  }

  /** Bytes of one operation. */
  allocates(collect: Collect): number {
    const grown: number[] = [];
    for (let batch = 0; batch < BATCHES; batch++) {
      collect({ type: 'minor' });
      const before = process.memoryUsage().heapUsed;
      this.run(BATCH);
      grown.push((process.memoryUsage().heapUsed - before) / BATCH);
    }
    return median(grown);
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}

/** Nanoseconds of one decision, by name, round by round. */
async function timed(watches: ReadonlyMap<string, Stopwatch>): Promise<Map<string, number[]>> {
  const samples = new Map<string, number[]>();
  for (let round = 0; round <= ROUNDS; round++) {
    const bench = new Bench({ iterations: 1, time: 0, warmup: false });
    for (const [name, watch] of watches) {
      bench.add(name, () => ({ overriddenDuration: watch.measure() }), { async: false });
    }
    await bench.run();
    // The first round warms up.
    if (round === 0) continue;
    for (const { name, result } of bench.tasks) {
      if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`);
      samples.set(name, [...(samples.get(name) ?? []), result.latency.mean * 1e6]);
    }
  }
  return samples;
}

/** Prints a line for each policy, by role; those on the path of every request are marked. */
export async function run(): Promise<void> {
  const subjects = policyEntries.map((entry) => subjectOf(entry));
  const nameOf = ({ role, name }: Subject) => `${role} ${name}`;
  const watches = new Map(subjects.map((subject) => [nameOf(subject), new Stopwatch(subject.decide)]));
  watches.set(EMPTY, new Stopwatch((i) => i));
  const samples = await timed(watches);
  const collect = collector();
  const bytes = new Map([...watches].map(([name, watch]) => [name, watch.allocates(collect)]));
  const nsOf = (name: string) => Math.max(0, median(samples.get(name) ?? []) - median(samples.get(EMPTY) ?? []));
  const bytesOf = (name: string) => Math.max(0, (bytes.get(name) ?? 0) - (bytes.get(EMPTY) ?? 0));
  const reference = nsOf(REFERENCE);
  console.log(`  ns of CPU a decision (median of ${ROUNDS}), × a pick of round-robin, bytes allocated`);
  console.log('  * on the path of every request; one decision is what stands beside the role');
  let last = '';
  for (const subject of subjects) {
    const { role, name, of } = subject;
    if (role !== last) console.log(`  ${HOT.includes(role) ? '*' : ' '} ${role}: ${of}`);
    last = role;
    const ns = nsOf(nameOf(subject));
    const cells = [ns.toFixed(0).padStart(8), (ns / reference).toFixed(1).padStart(8)];
    console.log(`      ${name.padEnd(24)}${cells.join('')}${bytesOf(nameOf(subject)).toFixed(0).padStart(8)}`);
  }
}
