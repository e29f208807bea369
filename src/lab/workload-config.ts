/** Translates the checked `workload:` block into what the sources are built from; dataset-config.ts has datasets. */
import type { ArrivalsConfig, BoundsConfig, ShapeConfig, WorkloadConfig } from '../workload/config.ts';
import { DEFAULT_TENANTS } from '../workload/config.ts';
import type { ParsedWorkload } from './workload-schema.ts';

type Parsed<Kind extends ParsedWorkload['kind']> = Extract<ParsedWorkload, { kind: Kind }>;
type Synthetic = Parsed<'open'> | Parsed<'closed'>;

/** The source of arrivals; undefined when the workload is a dataset, whose requests come from its core. */
export function workloadConfig(workload: ParsedWorkload, tracePath: string): WorkloadConfig | undefined {
  switch (workload.kind) {
    case 'open': {
      const arrivals = arrivalsConfig(workload.arrivals);
      return { kind: 'open', arrivals, ...shape(workload), ...bounds(workload) };
    }
    case 'closed': {
      const { users, think, ramp } = workload;
      return { kind: 'closed', users, thinkUs: think, rampUs: ramp, ...shape(workload), ...bounds(workload) };
    }
    case 'trace': {
      const { format, columns, speed, requests, maxOutput } = workload;
      return { kind: 'trace', path: tracePath, format, columns, speed, requests, maxOutput };
    }
    case 'dataset':
      return undefined;
    default:
      return workload satisfies never;
  }
}

function arrivalsConfig(arrivals: Parsed<'open'>['arrivals']): ArrivalsConfig {
  switch (arrivals.process) {
    case 'poisson':
    case 'constant':
      return { process: arrivals.process, ratePerSec: arrivals.rate };
    case 'gamma':
      return { process: 'gamma', ratePerSec: arrivals.rate, cv: arrivals.cv };
    case 'bursts': {
      const { rate, size, every, first } = arrivals;
      return { process: 'bursts', ratePerSec: rate, burstSize: size, everyUs: every, firstAt: first };
    }
    case 'phases': {
      const phases = arrivals.phases.map((phase) => {
        return { forUs: phase.for, fromPerSec: phase.rate, toPerSec: phase.to ?? phase.rate };
      });
      return { process: 'phases', phases };
    }
    default:
      return arrivals satisfies never;
  }
}

function shape({ prompt, output, prefix, tenants }: Synthetic): ShapeConfig {
  return {
    prompt,
    output,
    prefix:
      prefix === undefined
        ? undefined
        : { groups: prefix.groups, tokens: prefix.tokens, share: prefix.share, blockTokens: prefix.block },
    tenants: tenants?.map(({ from, to, ...rest }) => ({ ...rest, fromUs: from, toUs: to })) ?? DEFAULT_TENANTS,
  };
}

function bounds({ duration, requests }: Synthetic): BoundsConfig {
  return { durationUs: duration, requests };
}
