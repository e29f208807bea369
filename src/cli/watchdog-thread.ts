/**
 * The thread that watches: looks at the counters a few times a second, and when one thread has stood in the same call
 * for too long, tells. The main thread, when it is stuck itself, is interrupted by its inspector: it says where it is,
 * speaks by an event of its process, and is ended.
 */
import { type Debugger, Session } from 'node:inspector';
import { fileURLToPath } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { countersOf, DEPTH, SLOTS, STEPS } from '../lab/own-code.ts';
import type { WatchdogSetup } from './watchdog.ts';

const { memory, stalledS, event } = workerData as WatchdogSetup;
const LOOKS_PER_S = 4;
const counters = Array.from({ length: SLOTS }, (_, slot) => countersOf(memory, slot));
const seen = new Int32Array(SLOTS);
const stalled = new Int32Array(SLOTS);

// Goes on after it has told: a session of the inspector does not keep its thread alive.
let isTold = false;
setInterval(() => {
  if (isTold) return;
  for (const [slot, each] of counters.entries()) {
    const steps = Atomics.load(each, STEPS);
    const isSame = Atomics.load(each, DEPTH) > 0 && steps === seen[slot];
    stalled[slot] = isSame ? (stalled[slot] as number) + 1 : 0;
    seen[slot] = steps;
    if ((stalled[slot]) < stalledS * LOOKS_PER_S) continue;
    isTold = true;
    if (slot === 0) interruptMain();
    else parentPort?.postMessage(`a policy of the user's own did not end within ${stalledS} s`);
    return;
  }
}, 1000 / LOOKS_PER_S);

/** Its messages reach a thread that is in the midst of a loop. */
function interruptMain(): void {
  const session = new Session();
  session.connectToMainThread();
  const scripts = new Map<string, string>();
  session.on('Debugger.scriptParsed', ({ params }) => scripts.set(params.scriptId, params.url));
  session.on('Debugger.paused', ({ params }) => {
    const [frame] = params.callFrames;
    const place = frame === undefined ? undefined : placeOf(frame, scripts);
    const expression = `process.emit(${JSON.stringify(event)}, ${JSON.stringify(place) ?? 'undefined'})`;
    session.post('Runtime.evaluate', { expression }, () => {
      session.post('Runtime.terminateExecution', () => session.disconnect());
      session.post('Debugger.resume');
    });
  });
  session.post('Debugger.enable', () => session.post('Debugger.pause'));
}

function placeOf({ location }: Debugger.CallFrame, scripts: ReadonlyMap<string, string>): string | undefined {
  const url = scripts.get(location.scriptId) ?? '';
  return url.startsWith('file:') ? `${fileURLToPath(url)}:${location.lineNumber + 1}` : undefined;
}
