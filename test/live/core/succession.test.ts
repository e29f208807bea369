/** Who hears what when one policy follows another. */
import { describe, expect, it } from 'vitest';
import type { AttemptResult, AttemptView, Gate, LeaseObserver, WorkerObserver } from '../../../policies/types.ts';
import { FleetMemory } from '../../../src/live/core/fleet-memory.ts';
import { GateGroup } from '../../../src/live/core/gate-group.ts';
import { observing, Succession } from '../../../src/live/core/succession.ts';

const OK: AttemptResult = { outcome: 'ok', status: 200, retryAfterUs: -1, bytesSent: true };
const attempt = (id: number): AttemptView => ({ id }) as AttemptView;

function listener(name: string, heard: string[]): LeaseObserver & WorkerObserver {
  return {
    granted: (_, { id }) => heard.push(`${name} granted ${id}`),
    firstToken: (_, { id }) => heard.push(`${name} first ${id}`),
    settled: (_, { id }) => heard.push(`${name} settled ${id}`),
    discovered: (_, workers) => heard.push(`${name} discovered ${workers.join()}`),
    configured: (_, worker, ranks) => heard.push(`${name} configured ${worker} ${ranks}`),
    statusChanged: (_, worker, status) => heard.push(`${name} status ${worker} ${status}`),
    reported: (_, worker, rank) => heard.push(`${name} reported ${worker} ${rank}`),
  };
}

describe('a role', () => {
  it('settles a lease with the policy that saw it granted, and tells news to the current one', () => {
    const heard: string[] = [];
    const role = new Succession(listener('old', heard));
    const told = observing(role);
    told.granted(0, attempt(1));
    role.current = listener('new', heard);
    told.granted(1, attempt(2));
    told.firstToken(2, attempt(1));
    told.settled(3, attempt(1), OK);
    told.settled(3, attempt(2), OK);
    told.statusChanged(4, 0, 'ready');
    expect(heard).toEqual([
      ...['old granted 1', 'new granted 2', 'old first 1', 'old settled 1', 'new settled 2', 'new status 0 ready'],
    ]);
  });
});

describe('a group of gates', () => {
  const gate = (name: string, heard: string[], allows: boolean, at = Infinity): Gate => {
    return { ...listener(name, heard), allows: () => allows, reconsiderAt: () => at };
  };

  it('allows what all allow, and counts who did not', () => {
    const group = new GateGroup([{ name: 'a', gate: gate('a', [], true, 7) }]);
    const worker = { index: 0 } as Parameters<Gate['allows']>[1];
    expect(group.allows(0, worker)).toBe(true);
    group.replace([...group.gates, { name: 'b', gate: gate('b', [], false, 5) }]);
    expect(group.allows(0, worker)).toBe(false);
    expect(group.reconsiderAt(0)).toBe(5);
    expect([...group.refusals]).toEqual([['b', 1]]);
  });

  it('settles a lease with the gates that saw it granted', () => {
    const heard: string[] = [];
    const group = new GateGroup([{ name: 'a', gate: gate('a', heard, true) }]);
    group.granted(0, attempt(1));
    group.replace([{ name: 'b', gate: gate('b', heard, true) }]);
    group.granted(1, attempt(2));
    group.settled(2, attempt(1), OK);
    group.settled(2, attempt(2), OK);
    expect(heard).toEqual(['a granted 1', 'b granted 2', 'a settled 1', 'b settled 2']);
  });
});

describe('what is known of the fleet', () => {
  it('is told to a newcomer: who is there, ranks, statuses, last reports', () => {
    const memory = new FleetMemory();
    const report = { running: 1 } as Parameters<FleetMemory['reported']>[2];
    memory.discovered([0, 1]);
    memory.configured(1, 2);
    memory.statusChanged(0, 'pending');
    memory.statusChanged(0, 'ready');
    memory.reported(1, 1, report);
    memory.reported(9, 0, report);
    const heard: string[] = [];
    memory.brief(0, listener('n', heard));
    expect(heard).toEqual(['n discovered 0,1', 'n status 0 ready', 'n configured 1 2', 'n reported 1 1']);
    memory.discovered([1]);
    heard.length = 0;
    memory.brief(0, listener('n', heard));
    expect(heard).toEqual(['n discovered 1', 'n configured 1 2', 'n reported 1 1']);
  });
});
