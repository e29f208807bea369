/** One load from its plan to its result document: the workload's source, the client, what was counted. */
import type { StreamFor } from '../../../policies/index.ts';
import type { Micros } from '../../../policies/types.ts';
import { stream } from '../../kernel/rng.ts';
import type { RequestRecord } from '../../results/record.ts';
import { Recorder, type Slo } from '../../results/recorder.ts';
import { buildResult, type RunResult } from '../../results/result.ts';
import type { RunSeries } from '../../results/run-series.ts';
import { type WindowConfig, WindowTallies } from '../../results/windows.ts';
import type { Refillable, Workload } from '../../workload/arrival.ts';
import { ClosedWorkload } from '../../workload/closed.ts';
import { MixedWorkload } from '../../workload/mixed.ts';
import type { WorkloadConfig } from '../../workload/config.ts';
import { OpenWorkload } from '../../workload/open.ts';
import { type ResendRule, RetryingWorkload } from '../../workload/retrying.ts';
import { openTrace } from '../../workload/trace.ts';
import { type LoadOutcome, LoadRun, type LoadStatus } from './load-run.ts';
import { LoadTarget, type TargetConfig } from './load-target.ts';

/** Durations in microseconds. */
export interface LoadPlan {
  readonly scenario: string;
  readonly scenarioHash: string;
  readonly variant: string;
  readonly seed: number;
  readonly workload: WorkloadConfig;
  readonly slo: Slo;
  readonly windows: readonly WindowConfig[];
  readonly warmupUs: Micros;
  readonly clientTimeoutUs: Micros;
  readonly drainUs: Micros;
  /** How clients send again; undefined: each sends once. */
  readonly resend: ((streamFor: StreamFor) => ResendRule) | undefined;
}

export interface LoadHooks {
  readonly onRecord: (record: RequestRecord) => void;
  /** `total`: requests planned, when known. */
  readonly onProgress?: ((finished: number, total: number | undefined, now: Micros) => void) | undefined;
  readonly series?: RunSeries | undefined;
  /** Called with what ends the load early. */
  readonly onBegun: (interrupt: () => void) => void;
}

export interface LoadResult {
  readonly result: RunResult;
  readonly status: LoadStatus;
}

interface Source {
  readonly workload: Workload;
  readonly file: Refillable | undefined;
}

/** Rejects with TargetError, and with TraceError when a trace is bad. */
export async function runLoad(plan: LoadPlan, config: TargetConfig, hooks: LoadHooks): Promise<LoadResult> {
  const target = new LoadTarget(config);
  let file: Refillable | undefined;
  try {
    await target.open();
    const source = await openSource(plan);
    file = source.file;
    const streamFor: StreamFor = (name) => stream(plan.seed, `policies/${name}`);
    const clients = plan.resend && new RetryingWorkload(source.workload, plan.resend(streamFor));
    const windows = new WindowTallies(plan.windows, plan.slo);
    const onRecord = (record: RequestRecord): void => {
      windows.request(record);
      hooks.onRecord(record);
    };
    const recorder = new Recorder(plan.slo, onRecord, plan.warmupUs);
    const { clientTimeoutUs, drainUs } = plan;
    const run = new LoadRun({
      ...{ target, workload: clients ?? source.workload, file, recorder, clientTimeoutUs, drainUs },
      series: hooks.series,
      onProgress: (finished, now) => hooks.onProgress?.(finished, source.workload.total(), now),
    });
    hooks.onBegun(() => run.interrupt());
    const outcome = await run.run();
    const facts = { plan, url: config.url, outcome, clients: clients?.counts, windows: windows.results() };
    return { result: resultOf(recorder, facts), status: outcome.status };
  } finally {
    await Promise.all([target.close(), file?.close()]);
  }
}

interface Facts {
  readonly plan: LoadPlan;
  readonly url: string;
  readonly outcome: LoadOutcome;
  readonly clients: RetryingWorkload['counts'] | undefined;
  readonly windows: ReturnType<WindowTallies['results']>;
}

/** A real run has no digest, and nobody says what its workers and policies did. */
function resultOf(recorder: Recorder, { plan, url, outcome, clients, windows }: Facts): RunResult {
  const { scenario, scenarioHash, variant, seed } = plan;
  const { lateness, endedAt, held } = outcome;
  const target = { url, lateP99Us: lateness.percentile(99), lateMaxUs: lateness.max };
  const untold = { digest: '', digestEntries: 0, events: 0, workers: [], policies: {} };
  const own = { simulatedUs: endedAt, held: { 'client.running': held }, clients, windows, target };
  return buildResult(recorder, { scenario, scenarioHash, variant, seed, ...untold, ...own });
}

async function openSource({ workload, seed }: LoadPlan): Promise<Source> {
  switch (workload.kind) {
    case 'open':
      return { workload: new OpenWorkload(workload, seed), file: undefined };
    case 'closed':
      return { workload: new ClosedWorkload(workload, seed), file: undefined };
    case 'mix':
      return { workload: new MixedWorkload(workload, seed), file: undefined };
    case 'trace': {
      const trace = await openTrace(workload);
      return { workload: trace, file: trace };
    }
    default:
      return workload satisfies never;
  }
}
