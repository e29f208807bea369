/**
 * Stands between a core and a policy that a user wrote: what the policy throws, and an answer outside the port
 * (policy-port.ts), ends the run as that policy's fault, by name, method and input, before a core acts on it. So does a
 * change to what it was shown, and a clock or an unseeded draw that it touches (ambient-traps.ts). Shipped policies are
 * not guarded: they are held to the port by tests.
 */
import type { PolicyEntry, PolicyRole } from '../../policies/entry.ts';
import { AmbientUse, installTraps, watched } from './ambient-traps.ts';
import { inWords } from './explain/words.ts';
import { changeWithin, valuesWithin } from './input-watch.ts';
import { type Check, PORT, type RolePort } from './policy-port.ts';
import { shownValue } from './scenario-error.ts';

/** A user's policy broke its contract. `message` is complete: role/name, method, what happened. */
export class PolicyFault extends Error {
  override readonly name = 'PolicyFault';
  /** The call in words, such as `pick(1200000, request 3, [worker 0 …])`; undefined: it was no call. */
  readonly input: string | undefined;

  constructor(message: string, options?: ErrorOptions & { readonly input?: string | undefined }) {
    super(message, options);
    this.input = options?.input;
  }
}

/** Roles whose arguments are all the core's own: their policies may not change them. Others are given their leases. */
const SHOWN_ONLY: ReadonlySet<PolicyRole> = new Set<PolicyRole>([
  ...(['router', 'queue', 'gate', 'capacity', 'rate'] as const),
  ...(['retry', 'retry-budget', 'health', 'salvage'] as const),
]);

/** The entry with a `make` whose policies are guarded. */
export function guardedEntry(entry: PolicyEntry): PolicyEntry {
  installTraps();
  const { role, name, decides, source, config, variants } = entry;
  const who = `policy ${role}/${name}`;
  return {
    ...{ role, name, decides, source, config, variants },
    make: (given, context) => {
      const policy = attempt(`${who}: make`, () => entry.make(given, context));
      const place = { who, source: 'make', path: '', shownOnly: SHOWN_ONLY.has(role) };
      return guarded(place, policy, PORT[role]) as ReturnType<PolicyEntry['make']>;
    },
  };
}

/** Names a policy in messages: `source` is the member that answered it, `path` stands before those it has itself. */
interface Place {
  readonly who: string;
  readonly source: string;
  readonly path: string;
  /** Its arguments are to stay as they are. */
  readonly shownOnly: boolean;
}

/** A plain object with the policy's members, each checked; the policy's own calls of itself are not. */
function guarded(place: Place, policy: unknown, port: RolePort): object {
  const { who, source, path, shownOnly } = place;
  if (typeof policy !== 'object' || policy === null) {
    refuse(`${who}: ${source}`, policy, 'an object that plays the role');
  }
  const members = policy as Readonly<Record<string, unknown>>;
  const names = memberNames(policy);
  const missing = Object.keys(port).filter((name) => !names.includes(name));
  if (missing.length > 0) throw new PolicyFault(`${who}: ${source} answered an object without ${missing.join(', ')}`);
  const wrapper: Record<string, unknown> = {};
  for (const name of names) {
    const where = `${who}: ${path}${name}`;
    const rule = ruleOf(port[name], { who, source: `${path}${name}`, path: `${path}${name}.`, shownOnly });
    const value = attempt(where, () => members[name]);
    if (typeof value === 'function') {
      const method = value as (...args: unknown[]) => unknown;
      wrapper[name] = guardedMethod({ where, name, shownOnly }, policy, method, rule);
      continue;
    }
    const answer = checked(where, value, [], rule);
    // A policy within a policy stays the one it was when asked first.
    const get = rule.nested
      ? () => answer
      : () =>
          checked(
            where,
            attempt(where, () => members[name]),
            [],
            rule,
          );
    Object.defineProperty(wrapper, name, { get, enumerable: true });
  }
  return wrapper;
}

interface Rule {
  readonly check: Check;
  /** What the core gets for an answer that passed. */
  readonly hand: (answer: unknown) => unknown;
  readonly nested: boolean;
}

function ruleOf(entry: RolePort[string] | undefined, place: Place): Rule {
  if (typeof entry !== 'object') return { check: entry ?? (() => undefined), hand: (answer) => answer, nested: false };
  const { check, port } = entry;
  return { check, hand: (answer) => (answer === undefined ? undefined : guarded(place, answer, port)), nested: true };
}

interface Method {
  readonly where: string;
  readonly name: string;
  readonly shownOnly: boolean;
}

function guardedMethod(
  { where, name, shownOnly }: Method,
  policy: object,
  method: (...args: unknown[]) => unknown,
  rule: Rule,
) {
  return (...args: unknown[]): unknown => {
    const before = shownOnly ? valuesWithin(args) : [];
    let answer: unknown;
    try {
      answer = watched(
        () => method.apply(policy, args),
        () => ({ what: where, input: inputOf(name, args) }),
      );
    } catch (error) {
      throw faultOf(where, error, inputOf(name, args));
    }
    const change = shownOnly ? changeWithin(args, before) : undefined;
    if (change !== undefined) {
      const message = `${where} changed what it was shown: argument ${change}; allowed to read it`;
      throw new PolicyFault(message, { input: inputOf(name, args) });
    }
    return checked(where, answer, args, rule, name);
  };
}

function inputOf(name: string, args: readonly unknown[]): string {
  return `${name}(${args.map(inWords).join(', ')})`;
}

/** Names of the object's members, own and of its classes. */
function memberNames(policy: object): string[] {
  const names = new Set<string>();
  for (let here: object | null = policy; here !== null && here !== Object.prototype;) {
    for (const name of Object.getOwnPropertyNames(here)) names.add(name);
    here = Object.getPrototypeOf(here) as object | null;
  }
  names.delete('constructor');
  return [...names];
}

/** `name`: of the method that answered; undefined: a member that was read. */
function checked(where: string, answer: unknown, args: readonly unknown[], rule: Rule, name?: string): unknown {
  const isPromise = typeof (answer as { then?: unknown } | null | undefined)?.then === 'function';
  const allowed = rule.check(answer, args) ?? (isPromise ? 'an answer at once: policies are synchronous' : undefined);
  if (allowed === undefined) return rule.hand(answer);
  return refuse(where, answer, allowed, name === undefined ? undefined : inputOf(name, args));
}

function attempt<T>(where: string, step: () => T): T {
  try {
    return watched(step, () => ({ what: where, input: undefined }));
  } catch (error) {
    throw faultOf(where, error);
  }
}

/** Names the error and the line it was thrown from. */
function faultOf(where: string, thrown: unknown, input?: string): PolicyFault {
  if (thrown instanceof AmbientUse) {
    const line = thrown.stack?.split('\n').find((each) => /^ +at /.test(each) && !each.includes('/ambient-traps.'));
    const place = line === undefined ? '' : ` ${line.trim()}`;
    const allowed = 'allowed now, the first argument of each method, and context.rng';
    return new PolicyFault(`${where} called ${thrown.what}${place}; ${allowed}`, { cause: thrown, input });
  }
  const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : shown(thrown);
  const frame = thrown instanceof Error ? /^ +(at .*)$/m.exec(thrown.stack ?? '')?.[1] : undefined;
  const message = `${where} threw ${text}${frame === undefined ? '' : ` ${frame}`}`;
  return new PolicyFault(message, { cause: thrown, input });
}

function refuse(where: string, answer: unknown, allowed: string, input?: string): never {
  throw new PolicyFault(`${where} answered ${shown(answer)}; allowed ${allowed}`, { input });
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
