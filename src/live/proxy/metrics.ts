/**
 * The proxy's metrics. Counters move when something happens; what the core, its policies and the fleet hold is read
 * when somebody asks. Labels come from closed sets and from the configuration: routes, outcomes, configured models,
 * present workers. Nothing a client sends becomes a label.
 */
import { Counter, Gauge, type Histogram, Registry } from 'prom-client';
import type { WorkerView } from '../../../policies/types.ts';
import type { BusyThresholds } from '../../../policies/busy/monitor.ts';
import type { GatewayCounts, GatewayHeld } from '../../gateway/counts.ts';
import { Durations } from './durations.ts';
import type { RouteName } from './routes.ts';
import { Tally } from './tally.ts';
import type { WorkerCounts } from './worker-counts.ts';

/** What is read when metrics are asked for. */
export interface MetricSources {
  held(): GatewayHeld;
  counts(): Readonly<GatewayCounts>;
  capacity(): { readonly permits: number; readonly source: string };
  refusals(): ReadonlyMap<string, number>;
  thresholds(): BusyThresholds | undefined;
  /** With their URLs, those in the fleet only. */
  workers(): readonly (readonly [url: string, view: WorkerView])[];
  readonly workerCounts: WorkerCounts;
  buffered(): number;
  connections(): number;
  isDraining(): boolean;
  journalBytes(): number;
}

const SOURCES = ['override', 'worker-reported', 'mixed', 'legacy-fallback'];
const STATUSES = ['pending', 'ready', 'not-ready', 'failed', 'draining'];
const US_PER_SEC = 1e6;

export class Metrics {
  readonly registry = new Registry();
  readonly requests = this.#tally('requests_total', 'Requests that the core has finished, and how.', [
    ...['route', 'model', 'reason', 'cause'],
  ]);
  readonly responses = this.#tally('responses_total', 'Replies by status; 0: none was sent.', ['route', 'status']);
  readonly refusals = this.#tally('refused_total', 'Requests answered with an error of the gateway, by its code.', [
    'code',
  ]);
  readonly retries = this.#tally(
    'retries_total',
    'Attempts after the first; may_have_run: the one before may have run.',
    ['may_have_run'],
  );
  readonly upstreamAborted = this.#tally('upstream_aborted_total', 'Replies that broke after they had begun.', [
    'route',
  ]);
  readonly clientsLeft = this.#tally('clients_left_total', 'Clients that went away before their reply was whole.', [
    'route',
  ]);
  readonly clientsStalled = this.#tally('clients_stalled_total', 'Clients cut off because they stopped reading.', [
    'route',
  ]);
  readonly usedTokens = this.#tally('used_tokens_total', 'Prompt and output tokens that workers say they used.', [
    'model',
  ]);
  readonly statusChanges = this.#tally(
    'worker_status_changes_total',
    'Changes of the status of workers, by the new one.',
    ['status'],
  );
  readonly discoveryFailures = this.#tally('discovery_failures_total', 'Looks at a source of workers that failed.', [
    'source',
  ]);
  readonly reloads = this.#tally('reloads_total', 'Configurations read again, and whether they were taken.', [
    'result',
  ]);
  readonly thresholdChanges = this.#tally(
    'threshold_changes_total',
    'Changes of busy thresholds by an operator.',
    [],
  );
  readonly journalEnds = this.#tally('journal_ended_total', 'Journals that ended before the proxy, and why.', [
    'why',
  ]);
  readonly #duration = this.#durations(
    'request_duration_seconds',
    'From the request line to the last byte of the reply.',
  );
  readonly #firstByte = this.#durations(
    'first_byte_seconds',
    'From the request line to the first byte of a worker’s reply.',
  );

  constructor(sources: MetricSources) {
    this.#holdings(sources);
    this.#decisions(sources);
    this.#workers(sources);
    this.#process();
  }

  /** Seconds that a reply of the route took; `firstByteSec` undefined: it had none. */
  took(route: RouteName, sec: number, firstByteSec: number | undefined): void {
    this.#duration.observe(route, sec);
    if (firstByteSec !== undefined) this.#firstByte.observe(route, firstByteSec);
  }

  #tally(name: string, help: string, labelNames: readonly string[]): Tally {
    const tally = new Tally();
    this.#labelled(name, help, labelNames, () => tally.entries(), Counter);
    return tally;
  }

  /** prom-client asks a metric for its values and nothing else. */
  #durations(name: string, help: string): Durations {
    const durations = new Durations(`spillway_${name}`, help);
    this.registry.registerMetric(durations as unknown as Histogram);
    return durations;
  }

  #gauge(name: string, help: string, read: () => number): void {
    const registers = [this.registry];
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  }

  /** Values by label, read when asked for. */
  #labelled(
    name: string,
    help: string,
    labelNames: readonly string[],
    read: () => Iterable<readonly [labels: readonly string[], value: number]>,
    kind: typeof Counter | typeof Gauge = Gauge,
  ): void {
    new kind({
      name: `spillway_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.labels(...labels).inc(value);
      },
    });
  }

  #holdings(sources: MetricSources): void {
    const held = (name: string, help: string, key: keyof GatewayHeld): void => {
      this.#gauge(`spillway_${name}`, help, () => sources.held()[key]);
    };
    held('leases', 'Attempts that run.', 'leases');
    held('queue_waiting', 'Requests in the admission queue.', 'waiting');
    held('permits_used', 'Requests admitted and not over.', 'admitted');
    held('parked', 'Admitted requests that wait for a worker.', 'parked');
    held('backing_off', 'Requests that wait for their next attempt.', 'backingOff');
    held('rate_charges', 'Requests charged to a rate limit and not settled.', 'charges');
    this.#gauge('spillway_buffered_bytes', 'Request bodies in memory.', () => sources.buffered());
    this.#gauge('spillway_connections', 'Connections of clients.', () => sources.connections());
    this.#gauge('spillway_draining', '1 while the proxy shuts down.', () => (sources.isDraining() ? 1 : 0));
    this.#gauge('spillway_journal_bytes', 'Bytes of the journal; 0 without one.', () => sources.journalBytes());
  }

  #decisions(sources: MetricSources): void {
    const capacity = (): number => Math.min(sources.capacity().permits, Number.MAX_SAFE_INTEGER);
    this.#gauge('spillway_capacity', 'Requests that may be admitted at once.', capacity);
    this.#labelled('capacity_source', '1 for where the capacity comes from.', ['source'], () => {
      const { source } = sources.capacity();
      return SOURCES.map((name) => [[name], name === source ? 1 : 0] as const);
    });
    const refusals = () => [...sources.refusals()].map(([gate, count]) => [[gate], count] as const);
    this.#labelled('gate_refusals_total', 'Workers that a gate did not allow.', ['gate'], refusals, Counter);
    const late = () => [[[], sources.counts().lateEnds] as const];
    this.#labelled('late_ends_total', 'Ends of attempts that were over before.', [], late, Counter);
    this.#labelled('busy_threshold', 'Busy thresholds in force; +Inf: none.', ['threshold'], () => {
      return Object.entries(sources.thresholds() ?? {}).map(([name, value]) => [[name], value as number] as const);
    });
  }

  #workers(sources: MetricSources): void {
    const view = (name: string, help: string, read: (worker: WorkerView) => number): void => {
      this.#labelled(name, help, ['worker'], () =>
        sources.workers().map(([url, each]) => [[url], read(each)] as const),
      );
    };
    view('worker_in_flight', 'Attempts that run on a worker.', (worker) => worker.inFlight);
    view('worker_in_flight_tokens', 'Tokens that those may take.', (worker) => worker.inFlightTokens);
    view(
      'worker_reported_running',
      'Requests in its batch, as it says; -1: unknown.',
      (worker) => worker.reportedRunning,
    );
    view(
      'worker_reported_waiting',
      'Requests it keeps waiting, as it says; -1: unknown.',
      (worker) => worker.reportedWaiting,
    );
    view('worker_kv_usage_ratio', 'Share of its KV pool in use; -1: unknown.', (worker) => worker.reportedKvUsageRatio);
    this.#labelled('worker_status', '1 for the status of a worker.', ['worker', 'status'], () => {
      return sources.workers().flatMap(([url, { status }]) => {
        return STATUSES.map((name) => [[url, name], name === status ? 1 : 0] as const);
      });
    });
    const counted = [...['attempts', 'probes', 'polls']] as ('attempts' | 'probes' | 'polls')[];
    const helps = { attempts: 'Attempts that ended', probes: 'Health probes', polls: 'Questions for load' };
    for (const what of counted) {
      const read = () => {
        return [...sources.workerCounts.all()].flatMap(([url, each]) => {
          return Object.entries(each[what]).map(([result, count]) => [[url, result], count] as const);
        });
      };
      const help = `${helps[what]} on a worker, by result.`;
      this.#labelled(`worker_${what}_total`, help, ['worker', 'result'], read, Counter);
    }
  }

  #process(): void {
    const cpuSec = (): number => {
      const { user, system } = process.cpuUsage();
      return (user + system) / US_PER_SEC;
    };
    this.#gauge('process_cpu_seconds_total', 'CPU time of the process.', cpuSec);
    this.#gauge('process_resident_memory_bytes', 'Memory of the process.', () => process.memoryUsage.rss());
  }
}
