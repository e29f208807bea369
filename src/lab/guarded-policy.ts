/**
 * Stands between a core and a policy that a user wrote: what the policy throws, and an answer outside the port
 * (policy-port.ts), ends the run as that policy's fault, by name and method, before a core acts on it. Shipped policies
 * are not guarded: they are held to the port by tests. Not trapped here: clocks and unseeded draws, which
 * `--check-determinism` finds.
 */
import type { PolicyEntry } from '../../policies/entry.ts';
import { type Check, PORT, type RolePort } from './policy-port.ts';
import { shownValue } from './scenario-error.ts';

/** A user's policy broke its contract. `message` is complete: role/name, method, what happened. */
export class PolicyFault extends Error {
  override readonly name = 'PolicyFault';
}

/** The entry with a `make` whose policies are guarded. */
export function guardedEntry(entry: PolicyEntry): PolicyEntry {
  const { role, name, decides, source, config, variants } = entry;
  const who = `policy ${role}/${name}`;
  return {
    ...{ role, name, decides, source, config, variants },
    make: (given, context) => {
      const policy = attempt(`${who}: make`, () => entry.make(given, context));
      return guarded({ who, source: 'make', path: '' }, policy, PORT[role]) as ReturnType<PolicyEntry['make']>;
    },
  };
}

/** Names a policy in messages: `source` is the member that answered it, `path` stands before those it has itself. */
interface Place {
  readonly who: string;
  readonly source: string;
  readonly path: string;
}

/** A plain object with the policy's members, each checked; the policy's own calls of itself are not. */
function guarded(place: Place, policy: unknown, port: RolePort): object {
  const { who, source, path } = place;
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
    const rule = ruleOf(port[name], { who, source: `${path}${name}`, path: `${path}${name}.` });
    const value = attempt(where, () => members[name]);
    if (typeof value === 'function') {
      wrapper[name] = guardedMethod(where, policy, value as (...args: unknown[]) => unknown, rule);
      continue;
    }
    const answer = checked(where, value, [], rule);
    // A policy within a policy stays the one it was when asked first.
    const get = rule.nested ? () => answer : () => checked(where, attempt(where, () => members[name]), [], rule);
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

function guardedMethod(where: string, policy: object, method: (...args: unknown[]) => unknown, rule: Rule) {
  return (...args: unknown[]): unknown => {
    let answer: unknown;
    try {
      answer = method.apply(policy, args);
    } catch (error) {
      throw faultOf(where, error);
    }
    return checked(where, answer, args, rule);
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

function checked(where: string, answer: unknown, args: readonly unknown[], { check, hand }: Rule): unknown {
  const allowed = check(answer, args);
  if (allowed !== undefined) refuse(where, answer, allowed);
  if (typeof (answer as { then?: unknown } | null | undefined)?.then === 'function') {
    refuse(where, answer, 'an answer at once: policies are synchronous');
  }
  return hand(answer);
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
