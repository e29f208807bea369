import { describe, expect, it } from 'vitest';
import { endpoint, engine, MS, runWorld, Script } from '../harness/world-builder.ts';

const ALWAYS = { at: 0, forUs: Infinity, worker: 0, ratio: 1 } as const;
const AGE = { kind: 'timed-cut', ...ALWAYS, afterUs: 10 * MS, strikes: 'any' } as const;
const SILENCE = { ...AGE, strikes: 'silent' } as const;
const HOP = { clientUs: 100, workerUs: 1 * MS };
const retry = { name: 'exponential', initialBackoff: '1ms', jitterFactor: 0, maxAttempts: 2 };

describe('a connection that is cut by its age', () => {
  it('ends so long after its request reached the worker, which stops computing', () => {
    for (const fastForward of [true, false]) {
      const { records, recorder, world } = runWorld({
        workers: [engine()],
        fastForward,
        network: HOP,
        faults: [AGE],
        workload: new Script([{ promptTokens: 10, outputTokens: 50 }]),
      });
      const at = 100 + 1 * MS + 10 * MS + 1 * MS + 100;
      expect(records).toMatchObject([{ reason: 'failed', cause: 'upstream', attempts: 1, finishedAt: at }]);
      // The first token takes 1,100 µs, each other one 1,010: nine are there, and the next is being computed.
      expect(world.workerFacts()[0]?.generatedTokens).toBe(9);
      expect(recorder.wastedTokens()).toMatchObject({ failed: 19, prefill: 10, decode: 9 });
    }
  });

  it('comes whole when it is shorter', () => {
    const { records } = runWorld({
      workers: [endpoint()],
      faults: [{ ...AGE, afterUs: 10 * MS + 1 }],
      workload: new Script([{}]),
    });
    expect(records).toMatchObject([{ reason: 'ok', finishedAt: 10 * MS }]);
  });

  it('is lost even where its last token comes at that very instant', () => {
    const { records } = runWorld({ workers: [endpoint()], faults: [AGE], workload: new Script([{}]) });
    expect(records).toMatchObject([{ reason: 'failed', finishedAt: 10 * MS }]);
  });

  it('is not touched when it began outside of the window', () => {
    const { records } = runWorld({
      workers: [engine()],
      faults: [{ ...AGE, at: 5 * MS, forUs: 5 * MS }],
      workload: new Script([{ outputTokens: 50 }, { at: 10 * MS, outputTokens: 50 }]),
    });
    expect(records.map(({ reason }) => reason)).toEqual(['ok', 'ok']);
  });
});

describe('a connection that is cut for silence', () => {
  it('goes on once a token has come in time', () => {
    const { records } = runWorld({
      workers: [engine()],
      faults: [SILENCE],
      workload: new Script([{ promptTokens: 10, outputTokens: 50 }]),
    });
    expect(records).toMatchObject([{ reason: 'ok' }]);
  });

  it('is tried again, as nothing has streamed', () => {
    const { records } = runWorld({
      workers: [endpoint({ serviceUs: { dist: 'constant', value: 30 * MS } })],
      network: HOP,
      faults: [{ ...SILENCE, forUs: 5 * MS }],
      policies: { retry },
      workload: new Script([{}]),
    });
    expect(records).toMatchObject([{ reason: 'ok', attempts: 2 }]);
  });

  it('is cut although its worker stands still, which gives the job up when it goes on', () => {
    const hang = { kind: 'hang', worker: 0, at: 500, forUs: 40 * MS, scope: 'engine' } as const;
    const { records, world, recorder } = runWorld({
      workers: [engine({ maxRunning: 1 })],
      faults: [{ ...SILENCE, forUs: 1 }, hang],
      workload: new Script([{ promptTokens: 10, outputTokens: 5 }]),
    });
    expect(records).toMatchObject([{ reason: 'failed', finishedAt: 10 * MS }]);
    expect(world.held()).toMatchObject({ 'workers.running': 0, attempts: 0 });
    expect(recorder.wastedTokens()['cancelled']).toBe(0);
  });

  it('ends once when the worker that stands still dies', () => {
    const hang = { kind: 'hang', worker: 0, at: 500, forUs: 40 * MS, scope: 'engine' } as const;
    const crash = { kind: 'crash', worker: 0, at: 20 * MS, forUs: 1 * MS } as const;
    const { records, state } = runWorld({
      workers: [engine({ maxRunning: 1 })],
      faults: [{ ...SILENCE, forUs: 1 }, hang, crash],
      workload: new Script([{ promptTokens: 10, outputTokens: 5 }]),
    });
    expect(state).toBe('done');
    expect(records).toMatchObject([{ reason: 'failed', finishedAt: 10 * MS }]);
  });
});
