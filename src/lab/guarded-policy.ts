/**
 * Stands between a core and a policy that a user wrote: what the policy throws, and an answer outside the port, ends
 * the run as that policy's fault, by name and method, before a core acts on it. Shipped policies are not guarded: they
 * are held to the port by tests. Not trapped here: clocks and unseeded draws, which `--check-determinism` finds.
 */
import type { PolicyEntry, PolicyRole } from '../../policies/entry.ts';
import type { CapacitySource, FinishCause, FleetView, QueueEffect } from '../../policies/types.ts';
import { shownValue } from './scenario-error.ts';

/** A user's policy broke its contract. `message` is complete: role/name, method, what happened. */
export class PolicyFault extends Error {
  override readonly name = 'PolicyFault';
}

/** What is allowed, when the answer is not; undefined when it is. */
type Check = (answer: unknown, args: readonly unknown[]) => string | undefined;

const CAUSES: Readonly<Record<Exclude<FinishCause, 'none'>, true>> = {
  'queue-full': true,
  'queue-timeout': true,
  'no-worker': true,
  'all-busy': true,
  'rate-limited': true,
  preempted: true,
  deadline: true,
  upstream: true,
  client: true,
};
const SOURCES: Readonly<Record<CapacitySource, true>> = {
  override: true,
  'worker-reported': true,
  mixed: true,
  'legacy-fallback': true,
};

/** Members that a role must have, each with what it may answer. Roles not listed are guarded against throwing only. */
const PORT: Readonly<Partial<Record<PolicyRole, Readonly<Record<string, Check>>>>> = {
  router: {
    pick: (answer, [, , candidates]) => {
      const last = (candidates as FleetView).length - 1;
      return isWhole(answer, -1, last) ? undefined : `a whole number from -1 (wait) to ${last}`;
    },
  },
  gate: {
    allows: oneOf(true, false),
    reconsiderAt: (answer, [now]) => {
      return isNumber(answer) && answer > (now as number) ? undefined : 'an instant after now, or Infinity';
    },
  },
  capacity: {
    current: (answer) => (isWhole(answer, 0) || answer === Infinity ? undefined : 'a whole number ≥ 0, or Infinity'),
    source: oneOf(...Object.keys(SOURCES)),
  },
  queue: {
    offer: oneOf('admitted', 'queued', ...Object.keys(CAUSES)),
    leave: anything,
    capacityChanged: anything,
    wake: anything,
    take: (answer) => (answer === undefined || isQueueEffect(answer) ? undefined : 'a queue effect, or undefined'),
    nextWakeAt: (answer) => (isNumber(answer) ? undefined : 'an instant, or Infinity'),
    held: (answer) => {
      const { waiting, admitted } = (answer ?? {}) as Record<string, unknown>;
      return isWhole(waiting, 0) && isWhole(admitted, 0) ? undefined : 'counts {waiting, admitted}';
    },
  },
  retry: {
    delayUs: (answer) => {
      const delay = isNumber(answer) && Number.isFinite(answer) && answer >= 0;
      return delay || answer === -1 ? undefined : 'microseconds ≥ 0, finite, or -1 to give up';
    },
  },
  salvage: {
    classify: oneOf('retry', 'drop'),
    afterRounds: oneOf('preserve', 'drop'),
    roundsMax: (answer) => (isWhole(answer, 1) ? undefined : 'a whole number ≥ 1'),
    pacingUs: (answer) => (isNumber(answer) && answer >= 0 ? undefined : 'microseconds ≥ 0'),
  },
};

/** The entry with a `make` whose policies are guarded. */
export function guardedEntry(entry: PolicyEntry): PolicyEntry {
  const { role, name, decides, source, config, variants } = entry;
  const who = `policy ${role}/${name}`;
  return {
    ...{ role, name, decides, source, config, variants },
    make: (given, context) => {
      const policy = attempt(`${who}: make`, () => entry.make(given, context));
      return guarded(who, policy, PORT[role] ?? {}) as ReturnType<PolicyEntry['make']>;
    },
  };
}

/** A plain object with the policy's members, each checked; the policy's own calls of itself are not. */
function guarded(who: string, policy: unknown, checks: Readonly<Record<string, Check>>): object {
  if (typeof policy !== 'object' || policy === null) refuse(`${who}: make`, policy, 'an object that plays the role');
  const members = policy as Readonly<Record<string, unknown>>;
  const names = memberNames(policy);
  const missing = Object.keys(checks).filter((name) => !names.includes(name));
  if (missing.length > 0) throw new PolicyFault(`${who}: make answered an object without ${missing.join(', ')}`);
  const wrapper: Record<string, unknown> = {};
  for (const name of names) {
    const where = `${who}: ${name}`;
    const check = checks[name] ?? anything;
    const value = attempt(where, () => members[name]);
    if (typeof value === 'function') {
      wrapper[name] = guardedMethod(where, policy, value as (...args: unknown[]) => unknown, check);
      continue;
    }
    checked(where, value, [], check);
    const get = () => checked(where, attempt(where, () => members[name]), [], check);
    Object.defineProperty(wrapper, name, { get, enumerable: true });
  }
  return wrapper;
}

function guardedMethod(where: string, policy: object, method: (...args: unknown[]) => unknown, check: Check) {
  return (...args: unknown[]): unknown => {
    let answer: unknown;
    try {
      answer = method.apply(policy, args);
    } catch (error) {
      throw faultOf(where, error);
    }
    return checked(where, answer, args, check);
  };
}

/** Names of the object's members, own and of its classes. */
function memberNames(policy: object): string[] {
  const names = new Set<string>();
  for (let here: object | null = policy; here !== null && here !== Object.prototype; ) {
    for (const name of Object.getOwnPropertyNames(here)) names.add(name);
    here = Object.getPrototypeOf(here) as object | null;
  }
  names.delete('constructor');
  return [...names];
}

function checked(where: string, answer: unknown, args: readonly unknown[], check: Check): unknown {
  const allowed = check(answer, args);
  if (allowed !== undefined) refuse(where, answer, allowed);
  if (typeof (answer as { then?: unknown } | null | undefined)?.then === 'function') {
    refuse(where, answer, 'an answer at once: policies are synchronous');
  }
  return answer;
}

function attempt<T>(where: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw faultOf(where, error);
  }
}

/** Names the error and the line it was thrown from. */
function faultOf(where: string, thrown: unknown): PolicyFault {
  const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : shown(thrown);
  const frame = thrown instanceof Error ? /^ +(at .*)$/m.exec(thrown.stack ?? '')?.[1] : undefined;
  return new PolicyFault(`${where} threw ${text}${frame === undefined ? '' : ` ${frame}`}`, { cause: thrown });
}

function refuse(where: string, answer: unknown, allowed: string): never {
  throw new PolicyFault(`${where} answered ${shown(answer)}; allowed ${allowed}`);
}

function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Promise) return 'a promise';
  try {
    return shownValue(value);
  } catch {
    // JSON has no cycles.
    return 'an object';
  }
}

function anything(): undefined {
  return undefined;
}

function oneOf(...values: readonly unknown[]): Check {
  return (answer) => (values.includes(answer) ? undefined : values.join(', '));
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && !Number.isNaN(value);
}

function isWhole(value: unknown, min: number, max = Infinity): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

function isQueueEffect(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const effect = value as QueueEffect;
  switch (effect.kind) {
    case 'admit':
      return typeof effect.request === 'object';
    case 'shed':
      return typeof effect.request === 'object' && Object.hasOwn(CAUSES, effect.cause);
    case 'preempt':
      return typeof effect.attempt === 'object';
    default:
      effect satisfies never;
      return false;
  }
}
