/** Workload configurations for tests, small and complete. */
import type { Arrival, Workload } from '../../src/workload/arrival.ts';
import type { ClosedWorkloadConfig, OpenWorkloadConfig } from '../../src/workload/config.ts';
import { DEFAULT_TENANTS } from '../../src/workload/config.ts';

export function openConfig(over: Partial<OpenWorkloadConfig> = {}): OpenWorkloadConfig {
  return {
    kind: 'open',
    arrivals: { process: 'poisson', ratePerSec: 50 },
    prompt: { dist: 'normal', mean: 512, sd: 256, min: 1, max: 4096 },
    output: { dist: 'lognormal', mean: 128, cv: 1, min: 1, max: 2048 },
    requests: 500,
    durationUs: Infinity,
    prefix: undefined,
    tenants: DEFAULT_TENANTS,
    ...over,
  };
}

export function closedConfig(over: Partial<ClosedWorkloadConfig> = {}): ClosedWorkloadConfig {
  return {
    kind: 'closed',
    users: 3,
    thinkUs: { dist: 'exponential', mean: 1000, min: 0, max: 1e6 },
    prompt: { dist: 'normal', mean: 512, sd: 256, min: 1, max: 4096 },
    output: { dist: 'lognormal', mean: 128, cv: 1, min: 1, max: 2048 },
    requests: 100,
    durationUs: Infinity,
    prefix: undefined,
    tenants: DEFAULT_TENANTS,
    rampUs: 0,
    ...over,
  };
}

/** Everything of a workload that waits for nobody. */
export function taken(workload: Workload): Arrival[] {
  const arrivals: Arrival[] = [];
  while (!workload.ended()) arrivals.push(workload.take());
  return arrivals;
}
