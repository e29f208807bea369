/**
 * The `workload:` block: who sends what, and when. `open` clients send whatever happens; `closed` ones wait
 * for their answer; `mix` has several of both; `trace` sends a recorded run again; `dataset` generates rows ×
 * columns, each cell by one call, as batch builders do. Output of the schemas keeps the names of the file, with
 * durations in microseconds; `workload-config.ts` translates.
 */
import { z } from 'zod';
import { duration, durationOrNone } from '../../policies/config.ts';
import { datasetSchema } from './dataset-schema.ts';
import { durationDistribution, tokenDistribution } from './distribution-schema.ts';
import { decimal, wholeNumber, wholeNumberOrNone } from './number-schema.ts';

/** Requests per second beyond which a scenario is surely mistaken. */
const RATE_MAX = 1e6;

const rate = decimal(0.001, RATE_MAX).describe('Requests per second, mean.');

const phase = z
  .strictObject({
    for: duration('1us').describe('How long it lasts.'),
    rate: decimal(0, RATE_MAX).describe('Requests per second, mean, when it begins.'),
    to: decimal(0, RATE_MAX).optional().describe('Requests per second when it ends. Default: as when it begins.'),
  })
  .describe('A stretch of time in which the rate stands, or goes up or down in a straight line.');

const arrivals = z
  .discriminatedUnion('process', [
    z.strictObject({ process: z.literal('poisson'), rate }),
    z.strictObject({ process: z.literal('constant'), rate })
      .describe('One each 1/rate seconds, the first at 0.'),
    z
      .strictObject({
        process: z.literal('gamma'),
        rate,
        cv: decimal(0.01, 100)
          .describe('Of the gaps: standard deviation ÷ mean. 1 is Poisson, more is bursty.'),
      })
      .describe('Gamma-distributed gaps (ServeGen, arXiv:2505.09999).'),
    z
      .strictObject({
        process: z.literal('bursts'),
        rate: decimal(0, RATE_MAX).default(0).describe('Poisson background, requests per second. Default 0.'),
        size: wholeNumber(1, 1e6).describe('Requests sent at once by a burst.'),
        every: durationOrNone('1us')
          .prefault('none')
          .describe('From burst to burst; none: one burst. Default none.'),
        first: duration().prefault('0s').describe('When the first burst comes. Default 0s.'),
      })
      .describe('Bursts over a Poisson background.'),
    z
      .strictObject({
        process: z.literal('phases'),
        phases: z.array(phase).min(1).max(1000).describe('One after the other; nothing is sent after the last.'),
      })
      .describe('Poisson with a rate that changes: steps, ramps, waves.'),
  ])
  .describe('How arrivals are spaced.');

const prefix = z
  .strictObject({
    groups: wholeNumber(1, 1e6).describe('Different shared texts, each equally likely.'),
    tokens: wholeNumber(1, 1e7).describe('Length of a shared text (tokens).'),
    share: decimal(0, 1)
      .default(1)
      .describe('Portion of requests that begin with a shared text, 0 to 1. Default 1.'),
    block: wholeNumber(1, 1e6)
      .default(16)
      .describe('Tokens one content id stands for. Default 16, vLLM block_size.'),
  })
  .describe('Prompts that begin alike, which prefix caches profit from. Default: none do.');

const tenant = z
  .strictObject({
    name: z.string().min(1).max(100).describe('Name of the tenant.'),
    weight: decimal(0.000001, 1e6)
      .default(1)
      .describe("Share of requests relative to the other tenants'. Default 1."),
    priority: z.int().min(-1000).max(1000).default(0).describe('Higher is more urgent. Default 0.'),
    from: duration().optional().describe('It sends nothing before, in an open loop. Default 0s.'),
    to: duration('1us').optional().describe('It sends nothing from then on, in an open loop. Default: to the end.'),
    prompt: tokenDistribution().optional().describe("Prompt length of its requests (tokens). Default: the workload's."),
    output: tokenDistribution().optional().describe("Tokens generated for its requests. Default: the workload's."),
  })
  .superRefine(({ from, to }, context) => {
    if (from === undefined || to === undefined || from < to) return;
    context.addIssue({ code: 'custom', path: ['to'], message: 'an end after its beginning' });
  });

const shape = {
  prompt: tokenDistribution().describe('Prompt length of a request (tokens), shared prefix included.'),
  output: tokenDistribution().describe('Tokens the engine generates for a request.'),
  prefix: prefix.optional(),
  tenants: z.array(tenant).min(1).max(1000).optional().describe('Default: one tenant, default.'),
};

const bounds = {
  duration: durationOrNone('1us').prefault('none').describe('Nothing is sent from then on. Default none.'),
  requests: wholeNumberOrNone(1).prefault('none').describe('Requests sent at most. Default none.'),
};

/** Tenants come and go in open loops only, and somebody is always there. */
function checkTenants(
  { kind, tenants }: { kind: 'open' | 'closed'; tenants?: readonly z.output<typeof tenant>[] | undefined },
  context: z.RefinementCtx,
): void {
  const passing = (tenants ?? []).filter(({ from, to }) => (from ?? 0) > 0 || to !== undefined);
  if (passing.length === 0) return;
  const add = (message: string): void => context.addIssue({ code: 'custom', path: ['tenants'], message });
  if (kind === 'closed') add('no from and to: users of a closed loop are there all the time');
  else if (passing.length === tenants?.length) add('at least one tenant without from and to');
}

/** One of the two bounds must end the workload. */
function checkBounded(value: { duration: number; requests: number }, context: z.RefinementCtx): void {
  if (value.duration < Infinity || value.requests < Infinity) return;
  const message = 'a duration or a number of requests: one must end it';
  context.addIssue({ code: 'custom', path: ['duration'], message });
}

const open = z
  .strictObject({ kind: z.literal('open'), arrivals, ...shape, ...bounds })
  .superRefine((value, context) => {
    if (value.arrivals.process !== 'phases') checkBounded(value, context);
    checkTenants(value, context);
  })
  .describe('Open loop: clients send at instants that no answer influences.');

const closed = z
  .strictObject({
    kind: z.literal('closed'),
    users: wholeNumber(1, 1e6).describe('Users, each with at most one request outstanding.'),
    think: durationDistribution()
      .prefault('0s')
      .describe("From a user's answer to its next request. Default 0s."),
    ramp: duration().prefault('0s').describe("Over which the users' first requests are spread. Default 0s."),
    ...shape,
    ...bounds,
  })
  .superRefine(checkBounded)
  .superRefine(checkTenants)
  .describe('Closed loop: each user waits for its answer, thinks, sends again.');

const part = {
  name: z.string().min(1).max(100).describe('Name, also of its tenant where it names none.'),
  from: duration().prefault('0s').describe('Its own time begins so long after the start of the run. Default 0s.'),
};

const also = 'with a name and a begin of its own.';

const mix = z
  .strictObject({
    kind: z.literal('mix'),
    of: z
      .array(
        z.discriminatedUnion('kind', [
          open.safeExtend(part).describe(`An open loop, ${also}`),
          closed.safeExtend(part).describe(`A closed loop, ${also}`),
        ]),
      )
      .min(1)
      .max(100)
      .superRefine((parts, context) => {
        parts.forEach(({ name }, i) => {
          if (parts.findIndex((each) => each.name === name) === i) return;
          context.addIssue({ code: 'custom', path: [i, 'name'], message: 'each name once' });
        });
      })
      .describe('Workloads that run side by side.'),
  })
  .describe('Several workloads at once, such as interactive traffic and a batch job.');

const column = z.string().min(1);

const trace = z
  .strictObject({
    kind: z.literal('trace'),
    path: z.string().min(1).describe("File, plain or .gz; relative to the scenario's folder."),
    format: z.enum(['auto', 'azure', 'mooncake', 'csv', 'spillway'])
      .default('auto')
      .describe('Default auto: told from the content.'),
    columns: z
      .strictObject({
        arrival: column.describe('When it was sent.'),
        arrivalUnit: z.enum(['us', 'ms', 's', 'timestamp'])
          .describe('timestamp: wall-clock text, from the first row on.'),
        prompt: column.describe('Prompt tokens.'),
        output: column.describe('Generated tokens.'),
        tenant: column.optional().describe('Name of the tenant. Default: one tenant, default.'),
        priority: column.optional().describe('Higher is more urgent. Default: all 0.'),
      })
      .optional()
      .describe('Header names of a csv trace.'),
    speed: decimal(0.000001, 1e6).default(1).describe('Arrival times are divided by it. Default 1.'),
    requests: wholeNumberOrNone(1)
      .prefault('none')
      .describe('Only so many from the start. Default none: all.'),
    maxOutput: wholeNumber(1)
      .optional()
      .describe('Tokens each client allows; longer outputs are cut. Default: no cut.'),
  })
  .describe('A recorded run, sent again.');

/** The `workload:` block. */
export const workloadSchema = z.discriminatedUnion('kind', [open, closed, mix, trace, datasetSchema]);
export type ParsedWorkload = z.output<typeof workloadSchema>;
