/**
 * Turns a drawn scenario into one to judge liveness by. Its clients send at a pace that the fleet and the policies'
 * limits carry two and a half times; the first fifth of the run is quiet, faults begin in the next tenth and are over
 * by the middle, and from then on there is more than the minute in which goodput has to be back. No health check
 * removes workers for good: whoever does that has to bring others. Every engine can hold every request: what joins late
 * and refuses the long ones is another fleet than the one that carried the load before. Scenarios whose workload is no
 * open loop stay as they are.
 */
import { durationText } from './duration-text.ts';
import { workersOf } from './drawn-fleet.ts';
import type { Drawn } from './drawn-workload.ts';

const REQUESTS_MIN = 160;
/** Of the whole run, seconds. */
const SPAN_S = 240;
const QUIET_S = 48;
const BEGINS_WITHIN_S = 24;
const HEADROOM = 2.5;
/** Guessed for an engine: a pass, and for a drawn service time, seconds. */
const PASS_S = 0.05;
const SLO_S = 10;
const HALVES = ['prefill', 'decode'];
const SECONDS_PER_MIN = 60;
const LINK_TIMEOUT = '10s';
const SECONDS: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1 };

export function asRecoveryWorld(world: Drawn): Drawn {
  const workload = world['workload'] as Drawn | undefined;
  if (workload?.['kind'] !== 'open' || world['recovery'] !== undefined) return world;
  const requests = REQUESTS_MIN + Math.min(40, Number(workload['requests'] ?? 0));
  const rate = Math.min(requests / SPAN_S, carried(world, workload) / HEADROOM);
  const rounded = Math.max(0.01, Number(rate.toPrecision(2)));
  const faults = (world['faults'] as readonly Drawn[] | undefined) ?? [];
  return {
    ...world,
    ...(Array.isArray(world['fleet']) ? { fleet: world['fleet'].map(holdingAll) } : {}),
    ...keepingWorkers(world['policies'] as Drawn | undefined),
    workload: { ...workload, arrivals: { process: 'poisson', rate: rounded }, requests },
    faults: faults.map((fault) => ({ ...fault, at: durationText(startOf(fault) * 1e6) })),
    slo: { e2e: durationText(SLO_S * 1e6) },
    recovery: { within: '60s' },
  };
}

/** Its `policies` block, where its health check would remove a worker that nobody brings back. */
function keepingWorkers(policies: Drawn | undefined): { readonly policies?: Drawn } {
  const { removeFailed, ...health } = (policies?.['health'] ?? {}) as Drawn;
  return removeFailed === true ? { policies: { ...policies, health } } : {};
}

/** The group with engines that take prompts of any length in chunks; those drawn have blocks for the longest. */
function holdingAll(group: unknown): unknown {
  const { engine, disaggregated, ...rest } = (group ?? {}) as { engine?: Drawn; disaggregated?: Drawn };
  if (engine !== undefined) return { ...rest, engine: open(engine) };
  if (disaggregated === undefined) return group;
  const halves = HALVES.flatMap((side): [string, unknown][] => {
    const half = disaggregated[side] as Drawn | undefined;
    return half === undefined ? [] : [[side, { ...half, engine: open((half['engine'] ?? {}) as Drawn) }]];
  });
  const link = { timeout: LINK_TIMEOUT };
  return { ...rest, disaggregated: { ...disaggregated, ...Object.fromEntries(halves), link } };
}

function open({ maxModelTokens: _, chunkedPrefill: __, ...engine }: Drawn): Drawn {
  return engine;
}

function startOf({ at }: Drawn): number {
  return QUIET_S + (secondsOf(at) % BEGINS_WITHIN_S);
}

/** Requests a second that the fleet serves, guessed low, under the limits of capacity and gates. */
function carried({ fleet, policies }: Drawn, { prompt, output }: Drawn): number {
  if (!Array.isArray(fleet)) return Infinity;
  const [promptTokens, outputTokens] = [mostOf(prompt), mostOf(output)];
  const workers = workersOf(fleet);
  const { capacity, rate, gates } = (policies ?? {}) as { capacity?: Drawn; rate?: Drawn; gates?: readonly Drawn[] };
  const limits = [
    numberOr(capacity?.['max'], Infinity),
    numberOr(capacity?.['override'], 0) || Infinity,
    ...(gates ?? []).map((gate) => workers * numberOr(gate['max'], Infinity)),
  ];
  const atOnce = Math.min(...limits);
  const served = (fleet as readonly Drawn[]).reduce((sum, group) => {
    const { engine: own, endpoint, disaggregated } = group as Readonly<Record<string, Drawn | undefined>>;
    const decode = disaggregated?.['decode'] as Drawn | undefined;
    const engine = disaggregated === undefined ? own : (decode?.['engine'] as Drawn | undefined);
    const slots =
      endpoint === undefined
        ? slotsOf(engine ?? {}, promptTokens + outputTokens)
        : Math.max(1, numberOr(endpoint['maxRunning'], 1));
    const seconds = endpoint === undefined ? outputTokens * PASS_S : serviceOf(endpoint['service']);
    return sum + (Math.min(slots * numberOr(group['count'], 1), atOnce / fleet.length) / seconds);
  }, 0);
  return Math.min(served, grantedTo(rate?.['default'], promptTokens + outputTokens));
}

/** Requests a second that the rate limit of one tenant grants. */
function grantedTo(limit: unknown, tokens: number): number {
  const { tokensPerMinute, requestsPerMinute } = (typeof limit === 'object' && limit !== null ? limit : {}) as Drawn;
  const perMinute = Math.min(numberOr(requestsPerMinute, Infinity), numberOr(tokensPerMinute, Infinity) / tokens);
  return perMinute / SECONDS_PER_MIN;
}

function slotsOf({ maxRunning, blocks, blockTokens }: Drawn, tokens: number): number {
  const fitting = (numberOr(blocks, 16_384) * numberOr(blockTokens, 16)) / tokens;
  return Math.max(1, Math.min(numberOr(maxRunning, 256), Math.floor(fitting)));
}

function serviceOf(service: unknown): number {
  if (typeof service === 'string') return Math.max(0.001, secondsOf(service));
  return Math.max(0.001, secondsOf((service as Drawn | undefined)?.['mean']));
}

/** Largest of a length as drawn. */
function mostOf(length: unknown): number {
  return typeof length === 'number' ? length : numberOr((length as Drawn | undefined)?.['max'], 1000);
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

/** Of a drawn duration, whose units are these. */
function secondsOf(duration: unknown): number {
  const [, digits, unit] = /^([\d.]+)(us|ms|s)$/.exec(String(duration)) ?? [];
  return Number(digits ?? 0) * (SECONDS[unit ?? 's'] ?? 1);
}
