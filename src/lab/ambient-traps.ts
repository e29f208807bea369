/**
 * Traps in the place of clocks, timers and unseeded draws, so that a policy of the user's own that touches one is told
 * which, where and with what input, instead of being suspected after two runs differ. They are put there before the
 * first such module is loaded, so that what it keeps for later (`const { random } = Math`) is a trap, too; they spring
 * only inside a guarded call (`watched`) and for code of the module while it loads. Everybody else gets the original.
 *
 * This is the one thing here that belongs to the process and not to a run: there is one `Math`.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';
import { enterOwnCode, leaveOwnCode, type OwnCall } from './own-code.ts';

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/** What was touched: `Math.random`. */
export class AmbientUse extends Error {
  override readonly name = 'AmbientUse';
  readonly what: string;

  constructor(what: string) {
    super(`${what} was called; allowed now, the first argument of each method, and context.rng`);
    this.what = what;
  }
}

const require = createRequire(import.meta.url);
const TIMERS = ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'];
const DRAWS = ['randomBytes', 'randomInt', 'randomUUID', 'randomFill', 'randomFillSync'];

let installed = false;
/** Guarded calls under way, one inside the other. */
let depth = 0;
let sprung: AmbientUse | undefined;
/** URL of the module that is being loaded. */
let loading: string | undefined;

/** Puts the traps in place, once. */
export function installTraps(): void {
  if (installed) return;
  installed = true;
  const globals = globalThis as unknown as Record<string, object>;
  trapMembers(globals, '', TIMERS);
  trapMembers(globals['Math'] as object, 'Math.', ['random']);
  trapMembers(globals['performance'] as object, 'performance.', ['now']);
  trapMembers(globals['process'] as object, 'process.', ['hrtime', 'uptime', 'cpuUsage', 'nextTick']);
  trapMembers(globals['crypto'] as object, 'crypto.', ['getRandomValues', 'randomUUID']);
  trapMembers(require('node:crypto') as object, 'crypto.', DRAWS);
  trapMembers(require('node:timers') as object, 'timers.', TIMERS);
  trapDate(globals);
  // What modules of node export by name follows their objects only when told.
  syncBuiltinESMExports();
}

/** Runs a step of a user's policy. Throws AmbientUse when it sprang a trap, also when it caught that itself. */
export function watched<T>(step: () => T, describe: () => OwnCall): T {
  const outer = enterOwnCode(describe);
  const before = sprung;
  sprung = undefined;
  depth++;
  let answer: T;
  try {
    answer = step();
  } finally {
    depth--;
    leaveOwnCode(outer);
    const use = sprung as AmbientUse | undefined;
    sprung = before;
    // What the step threw because of the trap is told as the trap's.
    if (use !== undefined) throw use;
  }
  return answer;
}

/** Loads a module of the user's own, under its URL; rejects with AmbientUse when its own code touches a trap. */
export async function watchedLoad<T>(url: string, load: () => Promise<T>): Promise<T> {
  installTraps();
  loading = url;
  const outer = enterOwnCode(() => ({ what: `loading ${fileURLToPath(url)}`, input: undefined }));
  try {
    return await load();
  } finally {
    leaveOwnCode(outer);
    loading = undefined;
  }
}

function trapMembers(owner: object, prefix: string, names: readonly string[]): void {
  for (const name of names) {
    const original: unknown = Reflect.get(owner, name);
    if (typeof original !== 'function' || Object.getOwnPropertyDescriptor(owner, name)?.configurable === false)
      continue;
    const trap = trapped(`${prefix}${name}`, original as AnyFunction);
    Object.defineProperty(owner, name, { value: trap, writable: true, configurable: true, enumerable: true });
  }
}

/** A stand-in that has every member of the original (`hrtime.bigint`, promisified timers), those that act trapped. */
function trapped(what: string, original: AnyFunction): unknown {
  return new Proxy(original, {
    apply(target, self, args: unknown[]) {
      look(what);
      return Reflect.apply(target, self, args);
    },
    get(target, member) {
      const value: unknown = Reflect.get(target, member, target);
      return member === 'bigint' && typeof value === 'function'
        ? trapped(`${what}.bigint`, value as AnyFunction)
        : value;
    },
  });
}

/** Dates made of a given instant are no clock. */
function trapDate(globals: Record<string, object>): void {
  const original = globals['Date'] as DateConstructor;
  const now = trapped('Date.now', original.now);
  globals['Date'] = new Proxy(original, {
    apply(target) {
      look('Date');
      return target();
    },
    construct(target, args: [], newTarget) {
      if (args.length === 0) look('new Date');
      return Reflect.construct(target, args, newTarget as new () => object) as object;
    },
    get(target, member) {
      return member === 'now' ? now : (Reflect.get(target, member, target) as unknown);
    },
  });
}

/** Throws when it is a policy that calls. */
function look(what: string): void {
  if (depth === 0 && loading === undefined) return;
  const use = new AmbientUse(what);
  if (depth === 0 && use.stack?.includes(loading as string) !== true) return;
  sprung = use;
  throw use;
}
