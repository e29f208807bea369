/**
 * What a policy of the user's own was asked last, in shared memory: of a run that hangs its thread nobody else can
 * tell. Writing it down costs more than the call, so only the least scenario of a hang is run so.
 */
import { type PolicyEntry, policyEntries } from '../../../policies/index.ts';
import { inWords } from '../explain/words.ts';

const BYTES = 8192;
const LENGTH_BYTES = 4;

export interface AskedLast {
  /** `policy router/mine: pick`. */
  readonly who: string;
  /** The call in words. */
  readonly input: string;
}

export function newLastCall(): SharedArrayBuffer {
  return new SharedArrayBuffer(BYTES);
}

/** Undefined: no policy of the user's own was under way. */
export function readLastCall(memory: SharedArrayBuffer): AskedLast | undefined {
  const length = Atomics.load(new Int32Array(memory, 0, 1), 0);
  if (length === 0) return undefined;
  const [who = '', input = ''] = Buffer.from(memory, LENGTH_BYTES, length).toString('utf8').split('\n');
  return { who, input };
}

/** The entries, those of the user's own with policies that note each call while it lasts. */
export function notingEntries(entries: readonly PolicyEntry[], memory: SharedArrayBuffer): readonly PolicyEntry[] {
  const length = new Int32Array(memory, 0, 1);
  const text = Buffer.from(memory, LENGTH_BYTES);
  const during = <T>(who: string, input: string, step: () => T): T => {
    Atomics.store(length, 0, text.write(`${who}\n${input}`));
    const answer = step();
    Atomics.store(length, 0, 0);
    return answer;
  };
  return entries.map((entry) => {
    if (policyEntries.includes(entry)) return entry;
    const who = `policy ${entry.role}/${entry.name}`;
    return {
      ...entry,
      make: (config, context) => {
        const make = (): object => entry.make(config, context);
        const policy = during(`${who}: make`, `make(${inWords(config)})`, make);
        return noting(policy, who, during) as ReturnType<PolicyEntry['make']>;
      },
    };
  });
}

type During = <T>(who: string, input: string, step: () => T) => T;

function noting(policy: object, who: string, during: During): object {
  return new Proxy(policy, {
    get(target, member) {
      const value: unknown = Reflect.get(target, member, target);
      if (typeof value !== 'function' || typeof member !== 'string') return value;
      const method = value as (...args: readonly unknown[]) => unknown;
      return (...args: readonly unknown[]): unknown => {
        const input = `${member}(${args.map(inWords).join(', ')})`;
        return during(`${who}: ${member}`, input, () => method.apply(target, [...args]));
      };
    },
  });
}
