/**
 * Tells invariants what policies were asked and answered, as values and only of the methods asked for. The policies are
 * the same objects, so a run that is watched is the same run. (explain/decision-log.ts tells every call, in words.)
 */
import type { PolicyEntry } from '../../../policies/entry.ts';
import type { MadePolicy, PolicyCall, WatchedRole } from './invariant.ts';

export interface CallListener {
  /** `role.method`. */
  readonly methods: ReadonlySet<string>;
  called(call: PolicyCall): void;
  /** A policy of a role that is heard was made. */
  made?(policy: MadePolicy): void;
}

/**
 * Entries whose policies tell the listener. `callRetry` is the checked configuration of the dataset's retry policy, by
 * which that one is told from the gateway's.
 */
export function watchedEntries(
  entries: readonly PolicyEntry[],
  listener: CallListener,
  callRetry: object,
): readonly PolicyEntry[] {
  const heard = new Set([...listener.methods].map((name) => name.slice(0, name.indexOf('.'))));
  return entries.map((entry) => {
    const { role } = entry;
    if (!heard.has(role) && !(role === 'retry' && heard.has('callRetry'))) return entry;
    return {
      ...entry,
      make: (config, context) => {
        const watchedRole = config === callRetry ? 'callRetry' : role;
        const policy = entry.make(config, context);
        const has = (method: string): boolean => typeof Reflect.get(policy, method) === 'function';
        listener.made?.({ role: watchedRole, policy: entry.name, has });
        return watched(policy, watchedRole, entry.name, listener) as ReturnType<PolicyEntry['make']>;
      },
    };
  });
}

/** An object with the members of the policy, whose heard methods tell. A Proxy would cost more than the policy. */
function watched(policy: object, role: WatchedRole, name: string, listener: CallListener): object {
  const facade: Record<string, unknown> = {};
  let last = 0;
  for (const [member, descriptor] of membersOf(policy)) {
    // What is computed is left alone until somebody asks.
    const value: unknown = 'value' in descriptor ? Reflect.get(policy, member) : undefined;
    if (typeof value !== 'function') {
      const get = (): unknown => Reflect.get(policy, member);
      Object.defineProperty(facade, member, { get, set: (given) => void Reflect.set(policy, member, given) });
      continue;
    }
    const method = value as (...args: readonly unknown[]) => unknown;
    facade[member] = !listener.methods.has(`${role}.${member}`)
      ? method.bind(policy)
      : (...args: readonly unknown[]): unknown => {
          const answer = method.apply(policy, args as unknown[]);
          if (typeof args[0] === 'number') last = args[0];
          listener.called({ at: last, role, policy: name, method: member, args, answer });
          return answer;
        };
  }
  return facade;
}

/** Its own members and those of its classes, by name. */
function membersOf(policy: object): ReadonlyMap<string, PropertyDescriptor> {
  const members = new Map<string, PropertyDescriptor>();
  let from: object | null = policy;
  while (from !== null && from !== Object.prototype) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(from))) {
      if (name !== 'constructor' && !members.has(name)) members.set(name, descriptor);
    }
    from = Object.getPrototypeOf(from) as object | null;
  }
  return members;
}
