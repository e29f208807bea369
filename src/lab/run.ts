/**
 * One run, from a resolved scenario to its result: builds policies, workload and world, drives the world in slices, and
 * gathers what it counted. Awaits only between slices, for the trace's next rows and for the caller (`pause`); nothing
 * awaited alters the run.
 */
import { makeBatchPolicies, makePolicies, type PolicyEntry, type StreamFor } from '../../policies/index.ts';
import { InvariantError } from '../kernel/assert.ts';
import type { Checkpoint } from '../kernel/digest.ts';
import type { TieBreak } from '../kernel/event-queue.ts';
import { stream } from '../kernel/rng.ts';
import { Recorder } from '../results/recorder.ts';
import { buildResult } from '../results/result.ts';
import { WindowTallies } from '../results/windows.ts';
import { World } from '../sim/world.ts';
import type { Refillable, Workload } from '../workload/arrival.ts';
import { ClosedWorkload } from '../workload/closed.ts';
import { MixedWorkload } from '../workload/mixed.ts';
import { OpenWorkload } from '../workload/open.ts';
import { RetryingWorkload } from '../workload/retrying.ts';
import { openTrace, type TraceWorkload } from '../workload/trace.ts';
import { heardEntries } from './explain/decision-log.ts';
import { PolicyFault } from './guarded-policy.ts';
import { watchedEntries } from './invariants/policy-calls.ts';
import { RecoveryWatch } from './recovery.ts';
import { clientRetry } from './client-retry.ts';
import type { ResolvedScenario } from './resolve.ts';
import type { RunOptions, RunOutcome, RunStatus } from './run-types.ts';
import { entriesOfFile } from './user-policies.ts';

/** Events in one slice: some tens of milliseconds. */
const SLICE_EVENTS = 20_000;

/**
 * Runs one variant to its end. Rejects with a TraceError on a bad trace, with an InvariantError when an invariant is
 * broken, with a PolicyFault when a policy of the user's own is at fault (the messages of both name the instant), with
 * a ScenarioError when the user's policy file has changed.
 */
export async function runScenario(resolved: ResolvedScenario, options: RunOptions = {}): Promise<RunOutcome> {
  const { config, policies } = resolved;
  const known = options.entries ?? (await entriesOfFile(resolved.policyFile));
  const entries = listenedTo(known, resolved, options);
  const streamFor = (name: string) => stream(config.seed, `policies/${name}`);
  const source = await openSource(resolved);
  try {
    const recovery = resolved.recovery && new RecoveryWatch(resolved.recovery, config, resolved.workload);
    const windows = new WindowTallies(resolved.windows ?? [], config.slo);
    const sink = recordSink(options, windows, recovery);
    const recorder = new Recorder(config.slo, sink, config.limits.warmupUs);
    const clients = retrying(resolved, source.workload, streamFor, known);
    const world = guarded(undefined, () => {
      return new World(config, {
        policies: makePolicies(policies, streamFor, entries),
        batch: config.dataset === undefined ? undefined : makeBatchPolicies(policies, streamFor, entries),
        workload: clients ?? source.workload,
        recorder,
        tap: options.tap,
        series: options.charts?.series,
        tieBreak: resolved.shuffledTies ? tieBreakOf(config.seed) : undefined,
      });
    });
    const ended = await drive(world, source, recorder, options);
    const { digest } = world.journal;
    const last: Checkpoint = { entries: digest.entries, digest: digest.value() };
    const held = world.held();
    const recovered = recovery?.verdict();
    const result = buildResult(recorder, {
      scenario: resolved.name,
      scenarioHash: resolved.hash,
      variant: resolved.variant,
      seed: config.seed,
      digest: last.digest,
      digestEntries: last.entries,
      events: world.events,
      simulatedUs: world.endedAt,
      held,
      workers: world.workerFacts(),
      policies,
      rows: world.rowFacts(),
      faults: resolved.faultSites,
      clients: clients?.counts,
      windows: windows.results(),
      recovery: recovered,
    });
    const stillHeld = ended === 'unfinished' ? heldLines(held) : [];
    const status = ended === 'ok' && recovered?.verdict === 'metastable' ? 'metastable' : ended;
    return { result, status, checkpoints: [...digest.checkpoints, last], held: stillHeld, recovery: recovered };
  } finally {
    await source.file?.close();
  }
}

function listenedTo(
  known: readonly PolicyEntry[],
  { policies }: ResolvedScenario,
  { decisions, calls }: RunOptions,
): readonly PolicyEntry[] {
  const watched = calls === undefined ? known : watchedEntries(known, calls, policies.callRetry);
  return decisions === undefined ? watched : heardEntries(watched, decisions);
}

/** Test mode: a draw in [0, 2^32) for each event. */
function tieBreakOf(seed: number): TieBreak {
  const draw = stream(seed, 'test-mode/ties');
  return () => Math.floor(draw() * 0x1_0000_0000);
}

function recordSink(
  { onRecord, charts }: RunOptions,
  windows: WindowTallies,
  recovery: RecoveryWatch | undefined,
): RunOptions['onRecord'] {
  return (record) => {
    windows.request(record);
    charts?.request(record);
    recovery?.request(record);
    onRecord?.(record);
  };
}

/** The workload with clients that send again, or undefined when each sends once. */
function retrying(
  { clients }: ResolvedScenario,
  workload: Workload | undefined,
  streamFor: StreamFor,
  entries: readonly PolicyEntry[],
): RetryingWorkload | undefined {
  if (clients === undefined || workload === undefined) return undefined;
  return new RetryingWorkload(workload, clientRetry(clients, streamFor, entries));
}

interface Source {
  readonly workload: Workload | undefined;
  readonly file: Refillable | undefined;
}

async function openSource({ workload, config }: ResolvedScenario): Promise<Source> {
  switch (workload?.kind) {
    case undefined:
      return { workload: undefined, file: undefined };
    case 'open':
      return { workload: new OpenWorkload(workload, config.seed), file: undefined };
    case 'closed':
      return { workload: new ClosedWorkload(workload, config.seed), file: undefined };
    case 'mix':
      return { workload: new MixedWorkload(workload, config.seed), file: undefined };
    case 'trace': {
      const trace: TraceWorkload = await openTrace(workload);
      return { workload: trace, file: trace };
    }
    default:
      return workload satisfies never;
  }
}

async function drive(world: World, source: Source, recorder: Recorder, options: RunOptions): Promise<RunStatus> {
  for (;;) {
    const state = guarded(world, () => world.advance(SLICE_EVENTS));
    if (state === 'done') return 'ok';
    if (state === 'unfinished') return 'unfinished';
    if (state === 'starved') await source.file?.refill();
    options.onProgress?.({
      finished: recorder.finished,
      total: source.workload?.total(),
      simulatedUs: world.now,
    });
    await options.pause?.();
    if (options.signal?.stopped === true) return 'interrupted';
  }
}

/** Adds the instant to the message of a broken invariant or a policy's fault. */
function guarded<T>(world: World | undefined, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof InvariantError || error instanceof PolicyFault)) throw error;
    const at = world === undefined ? 'at the start' : `at ${world.now} µs, after ${world.events} events`;
    const message = `${error.message} (${at})`;
    if (error instanceof InvariantError) throw new InvariantError(message);
    throw new PolicyFault(message, { cause: error, input: error.input });
  }
}

function heldLines(held: Readonly<Record<string, number>>): string[] {
  return Object.entries(held)
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => `${name}: ${count}`);
}
