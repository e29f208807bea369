/**
 * How fast whole worlds run, in the default configuration: digest, metrics and conservation counters on, passes
 * skipped in which nothing can change. CPU time of all threads of the process, not elapsed time.
 *
 * `process` is the CPU time of a whole `spillway run FILE --json`, of the built program when there is one, and `cold`
 * is the `host.cpuSeconds` of that very run: start-up and imports left out, but all the compiling in it. `warm` is the
 * median of later runs in one process, what comparisons and fuzz campaigns see. All include reading the trace. Beside
 * these, the same run stepping through every pass, which must have the same digest. The traces are not part of the
 * project: SPILLWAY_DATA names their folder (default ../shared/data); absent ones are skipped.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TRACES = join(resolve(process.env['SPILLWAY_DATA'] ?? join(ROOT, '../shared/data')), 'traces');
const CHILD = fileURLToPath(new URL('trace-run.ts', import.meta.url));
const BUILT = join(ROOT, 'dist/src/cli/main.js');
const COLD_ROUNDS = 7;
const WARM_RUNS = 7;
/** Runs of one process after which it counts as warm. */
const WARM_FROM = 3;
const POOL = '{count: 4, engine: {}}';

const CASES = [
  { name: 'w1 Poisson 20/s, 4 workers', file: 'w1_poisson20.csv.gz', fleet: POOL },
  { name: 'Azure conversation, 4 workers', file: 'AzureLLMInferenceTrace_conv_2023.csv.gz', fleet: POOL },
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

const SERIES = [1e4, 1e5, 1e6];

interface Measured {
  readonly status: string;
  readonly completed: number;
  readonly digest: string;
  readonly simulatedSeconds: number;
  readonly cpuSeconds: number;
  readonly rssMb: number;
}

export async function run(): Promise<void> {
  console.log(
    '  engine defaults: 256 running, 2,048 tokens, 16,384 blocks of 16 (block 512: 512 blocks), affine timing',
  );
  console.log('  requests per CPU second, simulated seconds per CPU second in brackets');
  const folder = mkdtempSync(join(tmpdir(), 'spillway-bench-'));
  try {
    for (const { name, file, fleet } of CASES) {
      const path = join(TRACES, file);
      if (existsSync(path))
        measureTrace(folder, name, scenarioOf(fleet, `{kind: trace, path: ${JSON.stringify(path)}}`));
      else console.log(`  ${name}: skipped, no such file`);
    }
    measureSeries();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function measureTrace(folder: string, name: string, scenario: string): void {
  const cold = measureProcesses(folder, scenario);
  const warm = measure(scenario, 'fast', WARM_RUNS);
  const step = measure(scenario, 'step', WARM_RUNS);
  const { completed, simulatedSeconds, digest } = warm[0] as Measured;
  const ended = [...warm, ...step].every((one) => one.status === 'ok');
  const same = ended && [...cold, ...warm, ...step].every((one) => one.digest === digest);
  const speed = (cpuSeconds: number): string => {
    return `${whole(completed / cpuSeconds)} (${whole(simulatedSeconds / cpuSeconds)})`;
  };
  const warmCpu = median(cpuOf(warm.slice(WARM_FROM)));
  const stepped = (median(cpuOf(step.slice(WARM_FROM))) / warmCpu).toFixed(1);
  const [coldCpu, processCpu] = [median(cpuOf(cold)), median(cold.map((one) => one.processSeconds))];
  console.log(`  ${name}: ${whole(completed)} requests, ${whole(simulatedSeconds)} simulated s`);
  console.log(`    warm ${speed(warmCpu)}, cold ${speed(coldCpu)}, process ${speed(processCpu)}`);
  console.log(`    stepping ${stepped} × as long, digests ${same ? 'equal' : 'DIFFER'}; RSS ${rssOf(warm)} MB`);
}

/** Cost must grow as requests do, once the program is compiled. */
function measureSeries(): void {
  console.log('  Poisson 200/s, 32 workers, prompt 512 and output 128 tokens in the mean, every record written');
  let before: Measured | undefined;
  for (const requests of SERIES) {
    const [one] = measure(seriesScenario(requests), 'fast', 1, 'records') as [Measured];
    const per = (one.cpuSeconds / one.completed) * 1e6;
    const slope = before === undefined ? 0 : one.cpuSeconds - before.cpuSeconds;
    const more = before === undefined ? '' : `, ${slopeText(slope, one.completed - before.completed)}`;
    const figures = `${one.cpuSeconds.toFixed(2)} CPU s, ${per.toFixed(1)} µs a request${more}, RSS ${rssOf([one])} MB`;
    console.log(`    ${whole(requests).padStart(9)} requests: ${figures}`);
    before = one;
  }
}

function slopeText(cpuSeconds: number, requests: number): string {
  return `${((cpuSeconds / requests) * 1e6).toFixed(1)} µs each one more`;
}

function seriesScenario(requests: number): string {
  const lengths = [
    'prompt: {dist: lognormal, mean: 512, cv: 0.5, max: 4096}',
    'output: {dist: lognormal, mean: 128, cv: 0.5, max: 1024}',
  ];
  const arrivals = `arrivals: {process: poisson, rate: 200}, requests: ${requests}`;
  return scenarioOf('{count: 32, engine: {}}', `{kind: open, ${arrivals}, ${lengths.join(', ')}}`);
}

function scenarioOf(fleet: string, workload: string): string {
  return `{name: bench, why: speed, source: npm run bench, fleet: [${fleet}], workload: ${workload}}`;
}

function measure(scenario: string, mode: 'fast' | 'step', runs: number, records?: 'records'): Measured[] {
  const args = ['--import', 'tsx', CHILD, scenario, mode, String(runs), ...(records === undefined ? [] : [records])];
  const lines = execFileSync(process.execPath, args, { encoding: 'utf8' }).trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Measured);
}

interface MeasuredProcess {
  readonly digest: string;
  /** As the run itself says. */
  readonly cpuSeconds: number;
  readonly processSeconds: number;
}

/** Whole processes, one after the other: the shell tells the CPU time of its child. */
function measureProcesses(folder: string, scenario: string): MeasuredProcess[] {
  const [file, out] = [join(folder, 'bench.yaml'), join(folder, 'result.json')];
  writeFileSync(file, scenario);
  const program = existsSync(BUILT) ? [BUILT] : ['--import', 'tsx', join(ROOT, 'src/cli/main.ts')];
  const args = ['-c', `"$0" "$@" > '${out}'; times`, process.execPath, ...program, 'run', file, '--json'];
  return Array.from({ length: COLD_ROUNDS }, () => {
    const [, children = ''] = execFileSync('sh', args, { encoding: 'utf8' }).split('\n');
    const seconds = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(([, m, s]) => Number(m) * 60 + Number(s));
    const { digest, host } = JSON.parse(readFileSync(out, 'utf8')) as { digest: string; host: { cpuSeconds: number } };
    return { digest, cpuSeconds: host.cpuSeconds, processSeconds: seconds.reduce((sum, each) => sum + each, 0) };
  });
}

function cpuOf(runs: readonly { readonly cpuSeconds: number }[]): number[] {
  return runs.map((one) => one.cpuSeconds);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

function rssOf(runs: readonly Measured[]): string {
  return Math.max(...runs.map((one) => one.rssMb)).toFixed(0);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
