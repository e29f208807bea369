/**
 * Ends a command whose user code does not come back. A policy that loops blocks the thread it runs in, Ctrl-C included,
 * so a thread of its own watches the counters of all threads (own-code.ts), and where the main one is stuck its
 * inspector says at which line, gives the message and ends it. Live gateways are not watched: what is slow there is the
 * operator's to judge.
 */
import { writeSync } from 'node:fs';
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { countOwnCodeIn, newOwnCodeMemory, ownCodeUnderWay } from '../lab/own-code.ts';
import { EXIT } from './exit-codes.ts';

/** Of one call without an answer; the longest honest ones seen took milliseconds. */
const STALLED_S = 10;
const STDERR = 2;

/** The event by which the watching thread has the main one speak. */
const HANG_EVENT = 'spillway:hang';

export interface WatchdogSetup {
  readonly memory: SharedArrayBuffer;
  readonly stalledS: number;
  readonly event: string;
}

/** In a checkout a thread must learn to load TypeScript first. */
const THREAD_FILE = extname(import.meta.filename) === '.js' ? 'watchdog-thread.js' : 'watchdog-source.mjs';

let watching: SharedArrayBuffer | undefined;

/**
 * Begins to watch, once for the process; answers the memory in which its threads count. `scenario` is what the command
 * runs, for the message.
 */
export function startWatchdog(scenario?: string): SharedArrayBuffer {
  if (watching !== undefined) return watching;
  const memory = (watching = newOwnCodeMemory());
  countOwnCodeIn(memory, 0);
  // No event of node's own: `on` takes any name at run time.
  (process as NodeJS.EventEmitter).on(HANG_EVENT, (place: string | undefined) => {
    const { what, input } = ownCodeUnderWay() ?? { what: "code of the user's own", input: undefined };
    const lines = [`${what} did not end within ${STALLED_S} s${place === undefined ? '' : ` at ${place}`}`];
    if (input !== undefined) lines.push(`  input    ${input}`);
    if (scenario !== undefined) lines.push(`  scenario ${scenario}`);
    writeSync(STDERR, `${lines.join('\n')}\n`);
    process.exitCode = EXIT.invariantBroken;
  });
  const setup: WatchdogSetup = { memory, stalledS: STALLED_S, event: HANG_EVENT };
  const thread = new Worker(join(import.meta.dirname, THREAD_FILE), { workerData: setup });
  thread.on('message', (message: string) => {
    writeSync(STDERR, `${message}\n`);
    process.exit(EXIT.invariantBroken);
  });
  thread.unref();
  return memory;
}
