/** smg worker/capacity.rs: the tiers, their inputs, and the tracker fed by registry events. */
import {
  legacyFromMaxConcurrent,
  maxRunningFromLabel,
  parseOverride,
  sourceFromCode,
} from '../../../policies/capacity/inputs.ts';
import { recompute, Tiers, tiers } from '../../../policies/capacity/tiers.ts';
import type { CapacitySource, WorkerStatus } from '../../../policies/types.ts';
import { loadReport } from '../../policies/views.ts';
import { type Handlers, historic } from './handler.ts';

const SOURCE_NAMES: Readonly<Record<CapacitySource, string>> = {
  override: 'Override',
  'worker-reported': 'WorkerReported',
  mixed: 'Mixed',
  'legacy-fallback': 'LegacyFallback',
};
const STATUSES: Readonly<Record<string, WorkerStatus>> = {
  Pending: 'pending',
  Ready: 'ready',
  NotReady: 'not-ready',
  Failed: 'failed',
  Draining: 'draining',
};

interface Settings {
  override: number | null;
  slots_per_worker: number;
  legacy_max_concurrent_requests?: number;
  legacy?: number;
}

function settingsOf(settings: Settings) {
  return {
    override: settings.override ?? 0,
    slotsPerWorker: settings.slots_per_worker,
    legacyMaxConcurrent: (settings.legacy_max_concurrent_requests ?? settings.legacy) as number,
  };
}

const labelled = (label: string | null | undefined) => maxRunningFromLabel(label ?? undefined);

interface Step {
  op: string;
  url: string;
  label?: string | null;
  status?: string;
  to?: string;
}

/**
 * The registry that upstream's tracker snapshots. Changes reach the policy when an event is published; a
 * silent change waits for the next one.
 */
class Registry {
  readonly #policy: Tiers;
  readonly #indexes = new Map<string, number>();
  readonly #workers = new Map<number, { status: WorkerStatus; label: string | null | undefined }>();
  #nextIndex = 0;

  constructor(policy: Tiers) {
    this.#policy = policy;
  }

  /** Carries out one step; true when it publishes an event. */
  apply(step: Step): boolean {
    if (step.op === 'lagged') return true;
    const known = this.#indexes.get(step.url);
    if (step.op === 'register') {
      if (known !== undefined) return false;
      const index = this.#nextIndex++;
      this.#indexes.set(step.url, index);
      this.#workers.set(index, { status: statusOf(step.status), label: step.label });
      return true;
    }
    const worker = known === undefined ? undefined : this.#workers.get(known);
    if (known === undefined || worker === undefined) return false;
    switch (step.op) {
      case 'status': {
        const changed = worker.status !== statusOf(step.to);
        worker.status = statusOf(step.to);
        return changed;
      }
      case 'silent_status':
        worker.status = statusOf(step.to);
        return false;
      case 'replace':
        worker.label = step.label;
        return true;
      case 'remove':
        this.#indexes.delete(step.url);
        this.#workers.delete(known);
        return true;
      default:
        throw new Error(`unknown step ${step.op}`);
    }
  }

  publish(): void {
    this.#policy.discovered(0, [...this.#workers.keys()]);
    for (const [index, worker] of this.#workers) {
      this.#policy.reported(0, index, 0, loadReport({ maxRunning: labelled(worker.label) }));
      this.#policy.statusChanged(0, index, worker.status);
    }
  }
}

function statusOf(name: string | undefined): WorkerStatus {
  const status = STATUSES[name ?? ''];
  if (status === undefined) throw new Error(`unknown status ${name}`);
  return status;
}

function capacityEvents(input: { settings: Settings; steps: Step[] }) {
  const policy = new Tiers({ ...historic(tiers), ...settingsOf(input.settings) });
  const registry = new Registry(policy);
  const answer = () => ({ capacity: policy.current(), source: SOURCE_NAMES[policy.source()] });
  const rows: unknown[] = [{ at: 'spawn', ...answer() }];
  for (const step of input.steps) {
    const before = answer();
    if (registry.apply(step)) registry.publish();
    const after = answer();
    const notified = after.capacity !== before.capacity;
    rows.push({ ...after, watch_notified: notified, log_line: notified || after.source !== before.source });
  }
  return { sequence: rows };
}

export const capacityGroups: Handlers = {
  capacity_recompute: (input: {
    settings: Settings;
    healthy_workers: { max_running_requests_label: string | null; count: number }[];
  }) => {
    const reports = input.healthy_workers.flatMap(({ max_running_requests_label, count }) =>
      Array<number>(count).fill(labelled(max_running_requests_label)),
    );
    const { capacity, source } = recompute(settingsOf(input.settings), reports);
    return { capacity, source: SOURCE_NAMES[source] };
  },
  capacity_override_parse: ({ raw_i32 }: { raw_i32: number }) => {
    const { override, warning } = parseOverride(raw_i32);
    return { override: override === 0 ? null : override, warned: warning !== undefined };
  },
  capacity_source_u8: ({ raw_u8 }: { raw_u8: number }) => ({ value: SOURCE_NAMES[sourceFromCode(raw_u8)] }),
  max_running_requests_label: ({ label }: { label: string | null }) => {
    const value = labelled(label);
    return { value: value < 0 ? null : value };
  },
  capacity_legacy_from_max_concurrent: (input: { max_concurrent_requests: number }) => ({
    value: legacyFromMaxConcurrent(input.max_concurrent_requests),
  }),
  capacity_events: capacityEvents,
};
