/** Translates the checked `workload:` block into what the sources are built from; dataset-config.ts has datasets. */
import type {
  ArrivalsConfig,
  BoundsConfig,
  ClosedWorkloadConfig,
  MixedWorkloadConfig,
  OpenWorkloadConfig,
  ShapeConfig,
  WorkloadConfig,
} from '../workload/config.ts';
import { DEFAULT_TENANTS } from '../workload/config.ts';
import type { ParsedWorkload } from './workload-schema.ts';

type Parsed<Kind extends ParsedWorkload['kind']> = Extract<ParsedWorkload, { kind: Kind }>;
type Part = Parsed<'mix'>['of'][number];
type Synthetic = Parsed<'open'> | Parsed<'closed'> | Part;

/** The source of arrivals; undefined when the workload is a dataset, whose requests come from its core. */
export function workloadConfig(workload: ParsedWorkload, tracePath: string): WorkloadConfig | undefined {
  switch (workload.kind) {
    case 'open':
    case 'closed':
      return syntheticConfig(workload);
    case 'mix':
      return { kind: 'mix', parts: workload.of.map(partConfig) };
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

function syntheticConfig(workload: Synthetic): OpenWorkloadConfig | ClosedWorkloadConfig {
  const rest = { ...shape(workload), ...bounds(workload) };
  if (workload.kind === 'open') return { kind: 'open', arrivals: arrivalsConfig(workload.arrivals), ...rest };
  const { users, think, ramp } = workload;
  return { kind: 'closed', users, thinkUs: think, rampUs: ramp, ...rest };
}

/** Its requests are of a tenant of its name, when it names none. */
function partConfig(part: Part): MixedWorkloadConfig['parts'][number] {
  const { name, from, tenants = [{ name, weight: 1, priority: 0 }] } = part;
  return { name, fromUs: from, workload: syntheticConfig({ ...part, tenants }) };
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
