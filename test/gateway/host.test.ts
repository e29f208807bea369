import { describe, expect, it } from 'vitest';
import { drain, type Host } from '../../src/gateway/host.ts';
import type { Attempt } from '../../src/gateway/request.ts';
import { GatewayDriver, OK, requestInit } from '../harness/gateway-driver.ts';
import { After } from '../harness/gateway-policies.ts';

class WritingHost implements Host {
  readonly lines: string[] = [];
  readonly attempts: Attempt[] = [];

  start(attempt: Attempt): void {
    this.attempts.push(attempt);
    this.lines.push(`start a${attempt.id}`);
  }

  cancel(attempt: Attempt): void {
    this.lines.push(`cancel a${attempt.id} ${attempt.result?.outcome}`);
  }

  finish(...[request, reason, cause]: Parameters<Host['finish']>): void {
    this.lines.push(`finish r${request.id} ${reason} ${cause}`);
  }

  wakeAt(at: number): void {
    this.lines.push(`wake at ${at}`);
  }
}

describe('contract 9: draining', () => {
  it('performs every effect in the order of the core and then arms the one timer', () => {
    const { gateway } = new GatewayDriver({ permits: 1, timeouts: { attemptUs: 10 }, retry: new After(0) });
    const host = new WritingHost();
    gateway.arrive(0, requestInit(0));
    drain(gateway, host);
    gateway.arrive(0, requestInit(1));
    drain(gateway, host);
    gateway.wake(10);
    drain(gateway, host);
    gateway.abandon(11, 0);
    drain(gateway, host);
    gateway.end(12, host.attempts[2] as Attempt, OK);
    drain(gateway, host);
    expect(host.lines).toEqual([
      'start a0', 'wake at 10',
      'wake at 10',
      'cancel a0 timeout', 'start a1', 'wake at 20',
      'cancel a1 cancelled', 'finish r0 cancelled client', 'start a2', 'wake at 21',
      'finish r1 ok none', 'wake at Infinity',
    ]);
  });

  it('arms the timer also when there was nothing to do', () => {
    const { gateway } = new GatewayDriver();
    const host = new WritingHost();
    drain(gateway, host);
    expect(host.lines).toEqual(['wake at Infinity']);
  });

  it('contract 1: does not let an effect enter the core, and loses nothing by the attempt', () => {
    const { gateway } = new GatewayDriver();
    const host = new WritingHost();
    const eager: Host = {
      start: (attempt) => {
        host.start(attempt);
        expect(() => gateway.end(0, attempt, OK)).toThrow('before its effects were taken');
      },
      cancel: (attempt) => host.cancel(attempt),
      finish: (...args) => host.finish(...args),
      wakeAt: (at) => host.wakeAt(at),
    };
    gateway.arrive(0, requestInit(0));
    drain(gateway, eager);
    gateway.end(0, host.attempts[0] as Attempt, OK);
    drain(gateway, eager);
    expect(host.lines).toEqual(['start a0', 'wake at Infinity', 'finish r0 ok none', 'wake at Infinity']);
  });
});
