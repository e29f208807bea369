import { describe, expect, it } from 'vitest';
import type { Answer, Arrival } from '../../src/workload/arrival.ts';
import { ClosedWorkload } from '../../src/workload/closed.ts';
import { OpenWorkload } from '../../src/workload/open.ts';
import { type Ask, type ResendRule, RetryingWorkload } from '../../src/workload/retrying.ts';
import { closedConfig, openConfig } from './shapes.ts';

const OK: Answer = { ok: true, cause: 'none', isLate: false, status: 0, retryAfterUs: -1 };
const FAILED: Answer = { ok: false, cause: 'upstream', isLate: false, status: 500, retryAfterUs: -1 };

/** Sends again after `delayUs`, up to `sendsMax` times in all, and writes down what it hears. */
class Rule implements ResendRule {
  readonly heard: string[] = [];
  readonly #delayUs: number;
  readonly #sendsMax: number;

  constructor(delayUs: number, sendsMax: number) {
    this.#delayUs = delayUs;
    this.#sendsMax = sendsMax;
  }

  sent(now: number, { id, sends }: Ask): void {
    this.heard.push(`${now} sent ${id}/${sends}`);
  }

  answered(now: number, { id, sends }: Ask, { ok }: Answer): number {
    this.heard.push(`${now} ${ok ? 'ok' : 'failed'} ${id}/${sends}`);
    return sends < this.#sendsMax ? this.#delayUs : -1;
  }
}

const constant = (requests: number) => openConfig({ arrivals: { process: 'constant', ratePerSec: 1000 }, requests });

describe('a workload whose clients send again', () => {
  it('sends what was not answered after the delay of the rule, until it gives up', () => {
    const rule = new Rule(250, 3);
    const workload = new RetryingWorkload(new OpenWorkload(constant(2), 1), rule);
    const first = workload.take();
    expect([first.at, workload.nextAt()]).toEqual([0, 1000]);
    workload.completed(100, first, FAILED);
    expect(workload.nextAt()).toBe(350);
    const second = workload.take();
    expect({ ...second, at: 0, drawTry: 0 }).toEqual(first);
    workload.completed(400.4, second, FAILED);
    expect(workload.nextAt()).toBe(650);
    const third = workload.take();
    workload.completed(700, third, FAILED);
    expect(workload.nextAt()).toBe(1000);
    expect(workload.ended()).toBe(false);
    workload.completed(1100, workload.take(), OK);
    expect(workload.ended()).toBe(true);
    expect(rule.heard).toEqual([
      ...['0 sent 0/1', '100 failed 0/1', '350 sent 0/2', '400.4 failed 0/2', '650 sent 0/3', '700 failed 0/3'],
      ...['1000 sent 1/1', '1100 ok 1/1'],
    ]);
    expect(workload.counts).toEqual({ asked: 2, sends: 4, ok: 1, gaveUp: 1 });
  });

  it('gives all sends of an ask one key of draws, and each a part of its own', () => {
    const workload = new RetryingWorkload(new OpenWorkload(constant(3), 1), new Rule(10_000, 2));
    const first = [workload.take(), workload.take(), workload.take()];
    for (const arrival of [...first].reverse()) workload.completed(5000, arrival, FAILED);
    const again = [workload.take(), workload.take(), workload.take()];
    const keys = (arrivals: Arrival[]) => arrivals.map(({ drawKey, drawTry }) => [drawKey, drawTry]);
    expect(keys(first)).toEqual([[0, 0], [1, 0], [2, 0]]);
    // Equal instants come in the order of their answers.
    expect(keys(again)).toEqual([[2, 1024], [1, 1024], [0, 1024]]);
  });

  it('goes on while an answer is out or a client waits to send, though nothing more is asked', () => {
    const workload = new RetryingWorkload(new OpenWorkload(constant(1), 1), new Rule(50, 2));
    const first = workload.take();
    expect([workload.ended(), workload.nextAt()]).toEqual([false, Infinity]);
    workload.completed(10, first, FAILED);
    expect([workload.ended(), workload.nextAt()]).toEqual([false, 60]);
    workload.completed(70, workload.take(), FAILED);
    expect([workload.ended(), workload.total(), workload.starved()]).toEqual([true, undefined, false]);
  });

  it('lets a closed-loop user think after its last send only', () => {
    const thinkUs = { dist: 'constant', value: 500 } as const;
    const inner = new ClosedWorkload(closedConfig({ users: 1, thinkUs, requests: 2 }), 1);
    const workload = new RetryingWorkload(inner, new Rule(100, 2));
    workload.completed(10, workload.take(), FAILED);
    expect(workload.nextAt()).toBe(110);
    workload.completed(200, workload.take(), FAILED);
    expect(workload.nextAt()).toBe(700);
    expect(workload.take().drawKey).toBe(1);
  });

  it('refuses an answer to what is not out', () => {
    const workload = new RetryingWorkload(new OpenWorkload(constant(1), 1), new Rule(50, 2));
    const first = workload.take();
    workload.completed(10, first, OK);
    expect(() => workload.completed(11, first, OK)).toThrow('not out');
  });
});
