/** The host of a core: one event at a time, effects at once, what they cause behind the event. */
import { describe, expect, it } from 'vitest';
import { policiesSchema, policyEntries } from '../../../policies/index.ts';
import type { Attempt, RequestInit } from '../../../src/gateway/request.ts';
import { InvariantError } from '../../../src/kernel/assert.ts';
import { GatewayHost } from '../../../src/live/core/gateway-host.ts';
import { GatewayMachine } from '../../../src/live/core/gateway-machine.ts';

const REQUEST = {
  ...{ tenant: 't', promptTokens: 1, maxOutputTokens: 1, prefixKey: 0, blockHashes: [], blockTokens: 0 },
  ...{ priority: 0, routingKey: '', targetWorker: '' },
};
const REFUSED = { outcome: 'refused', status: 503, retryAfterUs: -1, bytesSent: false } as const;

class Scene {
  readonly done: string[] = [];
  readonly fatal: unknown[] = [];
  now = 0;
  readonly host: GatewayHost<RequestInit>;

  constructor(onStart: (attempt: Attempt, scene: Scene) => void) {
    const written = { retry: { name: 'exponential', initialBackoff: '1ms', maxBackoff: '1ms', maxAttempts: 2 } };
    const settings = { config: policiesSchema(policyEntries).parse(written), written, retrySent: true };
    const machine = new GatewayMachine<RequestInit>({ settings, seed: 's', entries: policyEntries });
    const performer = {
      start: (attempt: Attempt) => {
        this.done.push(`start ${attempt.id}`);
        onStart(attempt, this);
      },
      cancel: (attempt: Attempt) => void this.done.push(`cancel ${attempt.id}`),
      finish: ({ id }: { id: number }, reason: string) => void this.done.push(`finish ${id} ${reason}`),
    };
    this.host = new GatewayHost(machine, { now: () => this.now }, performer, (error) => this.fatal.push(error));
    this.host.run(() => {
      this.host.input({ kind: 'discovered', workers: [0], names: ['w'] });
      this.host.input({ kind: 'status', worker: 0, status: 'ready' });
    });
  }

  arrive(id: number): void {
    this.host.run(() => this.host.input({ kind: 'arrive', request: { id, ...REQUEST } }));
  }
}

describe('a host', () => {
  it('runs what an effect causes after the event that made it, in order', () => {
    const scene = new Scene((attempt, { host, done }) => {
      host.run(() => {
        done.push(`end ${attempt.id}`);
        host.input({ kind: 'end', attempt, result: { ...REFUSED, outcome: 'ok', status: 200 } });
      });
      done.push(`started ${attempt.id}`);
    });
    scene.host.run(() => {
      scene.arrive(0);
      scene.arrive(1);
      scene.done.push('event over');
    });
    expect(scene.done).toEqual([
      ...['event over', 'start 0', 'started 0', 'start 1', 'started 1', 'end 0', 'finish 0 ok', 'end 1', 'finish 1 ok'],
    ]);
    scene.host.agenda.close();
  });

  it('keeps the next wake of the core on its agenda', () => {
    const scene = new Scene((attempt, { host }) => {
      host.run(() => host.input({ kind: 'end', attempt, result: REFUSED }));
    });
    scene.arrive(0);
    expect(scene.host.agenda.size).toBe(1);
    expect(scene.done).toEqual(['start 0']);
    scene.host.run(() => scene.host.input({ kind: 'abandon', request: 0 }));
    expect(scene.host.agenda.size).toBe(0);
  });

  it('stands still for good when an invariant breaks', () => {
    const scene = new Scene((_, { host }) => host.input({ kind: 'wake' }));
    scene.arrive(0);
    expect(scene.fatal).toEqual([expect.any(InvariantError)]);
    scene.arrive(1);
    expect(scene.done).toEqual(['start 0']);
    scene.host.agenda.close();
  });
});
