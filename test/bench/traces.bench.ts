/**
 * Real traces through the whole world, metrics and digest on, each run in a fresh process. `run` is the CPU time of
 * the run itself (reading and parsing the trace included, start-up and imports left out), with the engine's default
 * of skipping passes in which nothing can change; beside it the same run stepping through every pass, which must
 * have the same digest. The traces are not part of the project: SPILLWAY_DATA names their folder (default
 * ../shared/data); absent ones are skipped.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const DATA = resolve(process.env['SPILLWAY_DATA'] ?? fileURLToPath(new URL('../../../shared/data', import.meta.url)));
const CHILD = fileURLToPath(new URL('trace-run.ts', import.meta.url));
const ROUNDS = 5;

const CASES = [
  {
    name: 'Azure conversation, 4 workers, block 16',
    file: 'AzureLLMInferenceTrace_conv_2023.csv.gz',
    fleet: '{count: 4, engine: {}}',
  },
  { name: 'w1 Poisson 20/s, 4 workers, block 16', file: 'w1_poisson20.csv.gz', fleet: '{count: 4, engine: {}}' },
  {
    name: 'Mooncake conversation, 8 workers, block 512',
    file: 'mooncake_conversation_trace.jsonl.gz',
    fleet: '{count: 8, engine: {blockTokens: 512, blocks: 512}}',
  },
  {
    name: 'Mooncake conversation, 8 workers, block 16',
    file: 'mooncake_conversation_trace.jsonl.gz',
    fleet: '{count: 8, engine: {}}',
  },
] as const;

interface Measured {
  readonly status: string;
  readonly completed: number;
  readonly digest: string;
  readonly simulatedSeconds: number;
  readonly cpuSeconds: number;
  readonly rssMb: number;
}

export async function run(): Promise<void> {
  for (const { name, file, fleet } of CASES) {
    const path = join(DATA, 'traces', file);
    if (!existsSync(path)) {
      console.log(`  ${name}: skipped, no such file`);
      continue;
    }
    const fast: Measured[] = [];
    const step: Measured[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      fast.push(measure(path, fleet, 'fast'));
      if (round < 3) step.push(measure(path, fleet, 'step'));
    }
    const cpu = median(fast.map((one) => one.cpuSeconds));
    const stepCpu = median(step.map((one) => one.cpuSeconds));
    const { completed, simulatedSeconds, digest } = fast[0] as Measured;
    const same = [...fast, ...step].every((one) => one.digest === digest && one.status === 'ok');
    const rate = Math.round(completed / cpu);
    const speedUp = Math.round(simulatedSeconds / cpu);
    const rss = Math.max(...fast.map((one) => one.rssMb)).toFixed(0);
    console.log(`  ${name}: ${completed} requests`);
    console.log(`    run ${cpu.toFixed(2)} CPU s: ${rate} requests/s, ${speedUp} simulated s per CPU s`);
    console.log(`    largest RSS ${rss} MB; median of ${ROUNDS}, from ${spread(fast)}`);
    const ratio = (stepCpu / cpu).toFixed(1);
    console.log(`    stepping ${stepCpu.toFixed(2)} CPU s, ${ratio} × as long; digests ${same ? 'equal' : 'DIFFER'}`);
  }
}

function measure(path: string, fleet: string, mode: 'fast' | 'step'): Measured {
  const out = execFileSync(process.execPath, ['--import', 'tsx', CHILD, path, fleet, mode], { encoding: 'utf8' });
  return JSON.parse(out) as Measured;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

function spread(runs: readonly Measured[]): string {
  const rates = runs.map((one) => one.completed / one.cpuSeconds);
  return `${Math.round(Math.min(...rates))} to ${Math.round(Math.max(...rates))} requests/s`;
}
