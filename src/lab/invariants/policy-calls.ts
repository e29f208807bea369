/**
 * Tells invariants what policies were asked and answered, as values and only of the methods asked for. The policies are
 * the same objects, so a run that is watched is the same run. (explain/decision-log.ts tells every call, in words.)
 */
import type { PolicyEntry } from '../../../policies/entry.ts';
import type { PolicyCall, WatchedRole } from './invariant.ts';

export interface CallListener {
  /** `role.method`. */
  readonly methods: ReadonlySet<string>;
  called(call: PolicyCall): void;
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
        return watched(entry.make(config, context), watchedRole, entry.name, listener) as ReturnType<
          PolicyEntry['make']
        >;
      },
    };
  });
}

function watched(policy: object, role: WatchedRole, name: string, listener: CallListener): object {
  const members = new Map<PropertyKey, unknown>();
  let last = 0;
  return new Proxy(policy, {
    get(target, member) {
      if (members.has(member)) return members.get(member);
      const value: unknown = Reflect.get(target, member, target);
      if (typeof value !== 'function' || typeof member !== 'string') return value;
      const method = value as (...args: readonly unknown[]) => unknown;
      const isHeard = listener.methods.has(`${role}.${member}`);
      const told = !isHeard
        ? (...args: readonly unknown[]): unknown => method.apply(target, [...args])
        : (...args: readonly unknown[]): unknown => {
            const answer = method.apply(target, [...args]);
            if (typeof args[0] === 'number') last = args[0];
            listener.called({ at: last, role, policy: name, method: member, args, answer });
            return answer;
          };
      members.set(member, told);
      return told;
    },
  });
}
