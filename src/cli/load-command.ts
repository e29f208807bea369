/**
 * `spillway load`: sends a scenario's workload to a real endpoint in real time, and writes what a simulated run writes.
 * Ctrl-C ends it at once and keeps the records streamed so far.
 */
import { Charts } from '../lab/charts.ts';
import { clientRetry } from '../lab/client-retry.ts';
import type { ResolvedScenario } from '../lab/resolve.ts';
import type { RequestSpan } from '../lab/spans.ts';
import { readSecret, SecretError } from '../live/http/secrets.ts';
import { type LoadPlan, type LoadResult, runLoad } from '../live/load/load-session.ts';
import { type TargetConfig, TargetError } from '../live/load/load-target.ts';
import { renderTable } from '../report/table.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { LoadArguments } from './load-arguments.ts';
import { checkOutputPath } from './output-folder.ts';
import { pageAssets } from './page-assets.ts';
import { ProgressLine } from './progress.ts';
import { type Entries, entriesWith } from './proxy-config.ts';
import { RunDocuments } from './run-documents.ts';
import { RunOutput } from './run-output.ts';
import { planRun, type RunPlan } from './run-plan.ts';
import { quoted } from './scenario-file.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** A client that is later than this measures itself too. */
const LATE_MS_MAX = 20;
const SPANS_MAX = 4000;

/** Throws UsageError, ScenarioError, TraceError. */
export async function loadCommand(args: LoadArguments, terminal: Terminal): Promise<ExitCode> {
  if (args.out !== undefined) checkOutputPath(args.out);
  const plan = await planOf(args);
  const [resolved] = plan.variants as readonly [ResolvedScenario];
  const load = loadPlan(resolved, await entriesWith(undefined));
  const output = args.out === undefined ? undefined : new RunOutput(args.out, false);
  try {
    return await new LoadCommand(args, plan, terminal, output).run(load, targetOf(args));
  } catch (error) {
    if (error instanceof TargetError) throw new UsageError(`--target: ${error.message}`);
    throw error;
  } finally {
    output?.discard();
  }
}

class LoadCommand {
  readonly #args: LoadArguments;
  readonly #plan: RunPlan;
  readonly #terminal: Terminal;
  readonly #output: RunOutput | undefined;

  constructor(args: LoadArguments, plan: RunPlan, terminal: Terminal, output: RunOutput | undefined) {
    this.#args = args;
    this.#plan = plan;
    this.#terminal = terminal;
    this.#output = output;
  }

  async run(load: LoadPlan, target: TargetConfig): Promise<ExitCode> {
    const records = this.#output?.begin(load.variant);
    const charts = new Charts();
    const spans: RequestSpan[] = [];
    const before = process.cpuUsage();
    const line = this.#terminal.progress ? new ProgressLine(load.scenario) : undefined;
    let interrupt: () => void = () => undefined;
    const onInterrupt = (): void => interrupt();
    process.on('SIGINT', onInterrupt);
    let ended: LoadResult;
    try {
      ended = await runLoad(load, target, {
        onRecord: (record) => {
          records?.write(record);
          charts.request(record);
          const { id, sentAt: from, finishedAt: to, reason: how } = record;
          if (spans.length < SPANS_MAX) spans.push({ id, from, to, how, attempts: [] });
        },
        onProgress: line && ((finished, total, now) => line.update({ finished, total, simulatedUs: now })),
        series: charts.series,
        onBegun: (stop) => (interrupt = stop),
      });
    } finally {
      process.off('SIGINT', onInterrupt);
      line?.stop();
    }
    if (ended.status === 'interrupted') return this.#interrupted();
    const documents = new RunDocuments(this.#plan, this.#output === undefined ? undefined : pageAssets());
    documents.add(load.variant, ended.result, process.cpuUsage(before), { charts: charts.data(), spans, oneIn: 1 });
    const made = documents.all([]);
    this.#output?.finish(made);
    const { width, colors } = this.#terminal;
    await this.#terminal.print(this.#args.json ? made.json : renderTable(made.results, { width, colors }));
    return this.#judged(ended);
  }

  #judged({ result, status }: LoadResult): ExitCode {
    const late = result.target?.late_p99_ms ?? 0;
    if (late > LATE_MS_MAX) {
      const shown = late.toFixed(0);
      this.#terminal.warn(`the client fell behind: 1 % of requests left ${shown} ms late or later; that is counted in`);
    }
    if (status === 'ok') return EXIT.ok;
    this.#terminal.warn(`unfinished: ${result.outcomes.unfinished} requests were still running at the drain limit`);
    return EXIT.unfinished;
  }

  #interrupted(): ExitCode {
    this.#output?.interrupted();
    this.#terminal.warn(this.#output === undefined ? 'interrupted' : 'interrupted; records so far are kept');
    return EXIT.interrupted;
  }
}

/** The scenario as a load: one variant, its faults left out. */
async function planOf(args: LoadArguments): Promise<RunPlan> {
  const { scenario, seed, set, trace, variant, out, json } = args;
  const plan = await planRun({
    ...{ scenario, seed, set, trace, variant, out, json, policies: undefined, invariants: undefined },
    ...{ allVariants: false, check: false, checkDeterminism: false },
  });
  const variants = plan.variants.map((each) => ({ ...each, config: { ...each.config, faults: [] } }));
  return { ...plan, variants, command: commandLine(args) };
}

function loadPlan(resolved: ResolvedScenario, entries: Entries): LoadPlan {
  const { workload, config, clients, windows = [] } = resolved;
  if (workload === undefined) {
    throw new UsageError('load: workload.kind: value "dataset"; allowed open, closed, trace (see spillway batch)');
  }
  return {
    scenario: resolved.name,
    scenarioHash: resolved.hash,
    variant: resolved.variant,
    seed: config.seed,
    workload,
    slo: config.slo,
    windows,
    warmupUs: config.limits.warmupUs,
    clientTimeoutUs: config.clientTimeoutUs,
    drainUs: config.limits.drainUs,
    resend: clients && ((streamFor) => clientRetry(clients, streamFor, entries)),
  };
}

function targetOf({ target: url, api, isStream, model, ignoresEos, keyEnv }: LoadArguments): TargetConfig {
  try {
    return { url, api, isStream, model, ignoresEos, key: readSecret({ env: keyEnv }) };
  } catch (error) {
    if (error instanceof SecretError) throw new UsageError(`--key-env: ${error.message}`);
    throw error;
  }
}

function commandLine(args: LoadArguments): string {
  const words = ['spillway', 'load', args.scenario, '--target', args.target];
  const add = (flag: string, value: string | number | undefined): void => {
    if (value !== undefined) words.push(`--${flag}`, String(value));
  };
  if (args.api !== 'chat') add('api', args.api);
  add('model', args.model);
  if (!args.isStream) add('stream', 'off');
  if (args.ignoresEos) words.push('--ignore-eos');
  add('key-env', args.keyEnv);
  add('trace', args.trace);
  for (const each of args.set) add('set', each);
  add('seed', args.seed);
  add('variant', args.variant);
  return words.map(quoted).join(' ');
}
