/**
 * Listens to policies: every call of a member, with what it was asked and what it answered, in words. The policies are
 * the same objects with the same streams, so a run that is listened to is the same run. What a policy calls of itself
 * is not heard, and neither is a property that is only read.
 */
import type { PolicyEntry } from '../../../policies/entry.ts';
import { inWords, itemsIn, requestsIn } from './words.ts';

export interface Decision {
  /** Virtual time, microseconds. */
  readonly at: number;
  readonly role: string;
  readonly policy: string;
  readonly method: string;
  /** Without `now`. */
  readonly asked: readonly string[];
  readonly answered: string;
  /** Ids of the requests it was about, by argument or answer. */
  readonly requests: readonly number[];
  /** Numbers of the tasks it was about, where it was about their admission. */
  readonly tasks: readonly number[];
}

export interface DecisionListener {
  /** Whether a call at this instant is to be told. */
  wants(at: number): boolean;
  decided(decision: Decision): void;
}

/** Entries whose policies tell the listener of their calls. */
export function heardEntries(entries: readonly PolicyEntry[], listener: DecisionListener): readonly PolicyEntry[] {
  return entries.map((entry) => ({
    ...entry,
    make: (config, context) => heard(entry, entry.make(config, context), listener) as ReturnType<PolicyEntry['make']>,
  }));
}

function heard({ role, name }: PolicyEntry, policy: object, listener: DecisionListener): object {
  const methods = new Map<PropertyKey, unknown>();
  return new Proxy(policy, {
    get(target, member) {
      const value: unknown = Reflect.get(target, member, target);
      if (typeof value !== 'function' || typeof member !== 'string') return value;
      const known = methods.get(member);
      if (known !== undefined) return known;
      const method = value as (...args: readonly unknown[]) => unknown;
      const listening = (...args: readonly unknown[]): unknown => {
        const [now] = args;
        const at = typeof now === 'number' ? now : NaN;
        if (!listener.wants(at)) return method.apply(target, [...args]);
        // Told in words before the policy may change what it was given.
        const asked = args.slice(1);
        const words = asked.map(inWords);
        const answer = method.apply(target, [...args]);
        const requests = requestsIn([...asked, answer]);
        const tasks = role === 'admission' ? itemsIn(member, asked, answer) : [];
        const answered = inWords(answer);
        listener.decided({ at, role, policy: name, method: member, asked: words, answered, requests, tasks });
        return answer;
      };
      methods.set(member, listening);
      return listening;
    },
  });
}
