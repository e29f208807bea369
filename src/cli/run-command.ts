/**
 * `spillway run`: plans, runs variant after variant, writes and prints what came of them. Nothing is written
 * before the whole plan is known to be right. Ctrl-C ends the run at its next slice and keeps the records
 * streamed so far; a second one ends the process.
 */
import { Charts } from '../lab/charts.ts';
import { findNondeterminism, type Replayer } from '../lab/determinism.ts';
import { type BrokenPromise, runChecked } from '../lab/checked-run.ts';
import { checkExpectations, type ExpectationOutcome } from '../lab/expect.ts';
import { PolicyFault } from '../lab/guarded-policy.ts';
import { invariants } from '../lab/invariants/catalogue.ts';
import type { Invariant } from '../lab/invariants/invariant.ts';
import type { ResolvedScenario } from '../lab/resolve.ts';
import { Spans } from '../lab/spans.ts';
import type { Runner, RunOutcome, RunStatus, StopSignal } from '../lab/run-types.ts';
import { renderStory } from '../report/incident-story.ts';
import { renderTable } from '../report/table.ts';
import { type ExitCode, EXIT } from './exit-codes.ts';
import { checkOutputPath } from './output-folder.ts';
import { pageAssets } from './page-assets.ts';
import type { ProgressLine } from './progress.ts';
import { replayHere } from './replay-here.ts';
import type { RunArguments } from './run-arguments.ts';
import { type Documents, RunDocuments } from './run-documents.ts';
import { type RunPlan, planRun } from './run-plan.ts';
import { storyOf } from './run-story.ts';
import { RunOutput } from './run-output.ts';
import type { Terminal } from './terminal.ts';

/** Exit code of how a run ended. */
const STATUS_EXIT: Readonly<Record<RunStatus, ExitCode>> = {
  ok: EXIT.ok,
  unfinished: EXIT.unfinished,
  metastable: EXIT.metastable,
  interrupted: EXIT.interrupted,
};

/** Exit code of a promise that was broken. */
const VERDICT_EXIT: Readonly<Record<BrokenPromise['verdict'], ExitCode>> = {
  broken: EXIT.invariantBroken,
  unfinished: EXIT.unfinished,
  metastable: EXIT.metastable,
};

/** Of several codes the one that matters most. */
const SEVERITY: readonly ExitCode[] = [
  EXIT.interrupted,
  EXIT.invariantBroken,
  EXIT.nondeterminism,
  EXIT.unfinished,
  EXIT.metastable,
  EXIT.expectationFailed,
  EXIT.ok,
];

/**
 * Answers the exit code; throws UsageError, ScenarioError, TraceError, InvariantError. `run` replaces the
 * simulator.
 */
export async function runCommand(
  args: RunArguments,
  terminal: Terminal,
  run?: Runner,
  planned?: RunPlan,
): Promise<ExitCode> {
  if (args.out !== undefined) checkOutputPath(args.out);
  const plan = planned ?? (await planRun(args));
  const runner = run ?? (await import('../lab/run.ts')).runScenario;
  const signal: StopSignal = { stopped: false };
  const onInterrupt = (): void => {
    if (signal.stopped) process.exit(EXIT.interrupted);
    signal.stopped = true;
  };
  process.on('SIGINT', onInterrupt);
  const output = args.out === undefined ? undefined : new RunOutput(args.out, plan.variants.length > 1);
  try {
    const session = new RunSession(args, plan, terminal, runner, signal, output);
    return await session.all();
  } catch (error) {
    if (!(error instanceof PolicyFault)) throw error;
    terminal.warn(error.message);
    if (error.input !== undefined) terminal.warn(`  input    ${error.input}`);
    terminal.warn(`  scenario ${plan.scenario.file}`);
    return EXIT.invariantBroken;
  } finally {
    output?.discard();
    process.off('SIGINT', onInterrupt);
  }
}

class RunSession {
  readonly #args: RunArguments;
  readonly #plan: RunPlan;
  readonly #terminal: Terminal;
  readonly #run: Runner;
  readonly #signal: StopSignal;
  readonly #output: RunOutput | undefined;
  readonly #codes: ExitCode[] = [];

  constructor(
    args: RunArguments,
    plan: RunPlan,
    terminal: Terminal,
    run: Runner,
    signal: StopSignal,
    output: RunOutput | undefined,
  ) {
    this.#args = args;
    this.#plan = plan;
    this.#terminal = terminal;
    this.#run = run;
    this.#signal = signal;
    this.#output = output;
  }

  async all(): Promise<ExitCode> {
    const documents = new RunDocuments(this.#plan, this.#output === undefined ? undefined : pageAssets());
    for (const resolved of this.#plan.variants) {
      const outcome = await this.#variant(resolved, documents);
      if (outcome.status === 'interrupted') return this.#interrupted();
      if (this.#args.checkDeterminism) await this.#compare(resolved, outcome);
      if (this.#signal.stopped) return this.#interrupted();
    }
    const expectations = this.#expectations(documents);
    const made = documents.all(expectations);
    this.#output?.finish(made);
    await this.#show(made, expectations);
    return SEVERITY.find((code) => this.#codes.includes(code)) ?? EXIT.ok;
  }

  async #variant(resolved: ResolvedScenario, documents: RunDocuments): Promise<RunOutcome> {
    const records = this.#output?.begin(resolved.variant);
    const line = this.#terminal.progress ? await progressLine(resolved.variant) : undefined;
    const charts = records === undefined ? undefined : new Charts();
    const spans = records === undefined ? undefined : new Spans();
    const before = process.cpuUsage();
    try {
      const { broken, outcome, fault } = await runChecked(this.#run, resolved, this.#heldTo(resolved), {
        signal: this.#signal,
        pause: signalsHeard,
        onProgress: line && ((progress) => line.update(progress)),
        onRecord: records && ((record) => records.write(record)),
        charts,
        tap: spans,
      });
      line?.stop();
      this.#tell(resolved, broken);
      if (outcome === undefined) throw fault;
      const drawn = charts && spans && { charts: charts.data(), spans: spans.spans(), oneIn: spans.oneIn };
      documents.add(resolved.variant, outcome.result, process.cpuUsage(before), drawn);
      this.#codes.push(STATUS_EXIT[outcome.status]);
      for (const held of outcome.held) this.#terminal.warn(`${resolved.variant}: unfinished: ${held}`);
      return outcome;
    } finally {
      line?.stop();
    }
  }

  /** The shipped invariants that the scenario asks for, and those of the user's own. */
  #heldTo({ invariants: asked }: ResolvedScenario): readonly Invariant[] {
    const held = invariants.filter(({ name }) => asked === 'all' || asked?.includes(name) === true);
    return [...held, ...this.#plan.ownInvariants];
  }

  #tell({ variant }: ResolvedScenario, broken: readonly BrokenPromise[]): void {
    for (const { invariant, verdict, message, at } of broken) {
      this.#codes.push(VERDICT_EXIT[verdict]);
      this.#terminal.warn(`${variant}: ${invariant}: ${message} (at ${at} µs)`);
    }
  }

  async #compare(resolved: ResolvedScenario, { result, checkpoints }: RunOutcome): Promise<void> {
    const again = replayHere(this.#run, resolved, this.#signal);
    const here: Replayer = async (stretch) => {
      return stretch === undefined ? { result, checkpoints, entries: [] } : again(stretch);
    };
    const { replayElsewhere } = await import('./replay-elsewhere.ts');
    let difference: string | undefined;
    try {
      difference = await findNondeterminism(here, replayElsewhere(resolved, this.#signal));
    } catch (error) {
      if (this.#signal.stopped) return;
      throw error;
    }
    if (difference === undefined || this.#signal.stopped) return;
    this.#codes.push(EXIT.nondeterminism);
    this.#terminal.warn(`${resolved.variant}: not deterministic: ${difference}`);
  }

  #expectations(documents: RunDocuments): ExpectationOutcome[] {
    const { scenario, replacedWorkload } = this.#plan;
    if (replacedWorkload) return [];
    const outcomes = checkExpectations(scenario.expect, documents.byVariant());
    if (outcomes.some(({ ok }) => !ok)) this.#codes.push(EXIT.expectationFailed);
    return outcomes;
  }

  async #show(made: Documents, expectations: readonly ExpectationOutcome[]): Promise<void> {
    const terminal = this.#terminal;
    await terminal.print(this.#args.json ? made.json : renderTable(made.results, terminal));
    const story = this.#args.json ? undefined : storyOf(this.#plan, made.results, expectations);
    if (story !== undefined) await terminal.print(`\n${renderStory(story, terminal.width)}`);
    for (const { ok, text } of expectations) if (!ok) terminal.warn(`expectation failed: ${text}`);
    if (this.#plan.replacedWorkload && this.#plan.scenario.expect.length > 0) {
      terminal.warn('expectations not checked: --trace replaces the workload they speak of');
    }
  }

  #interrupted(): ExitCode {
    this.#output?.interrupted();
    this.#terminal.warn('interrupted');
    return EXIT.interrupted;
  }
}

/** Loads what draws it, which a run without a terminal does without. */
async function progressLine(variant: string): Promise<ProgressLine> {
  const { ProgressLine } = await import('./progress.ts');
  return new ProgressLine(variant);
}

/** Lets the process hear signals, and the terminal be drawn, between two slices. */
function signalsHeard(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
