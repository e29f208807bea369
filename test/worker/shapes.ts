/** Small engines and jobs for tests, and runs of them. */
import { PHASE, type Phase } from '../../src/kernel/event-queue.ts';
import type { EngineConfig } from '../../src/worker/engine-config.ts';
import { Engine } from '../../src/worker/engine.ts';
import type { JobInit } from '../../src/worker/worker.ts';
import { GapCounter, type WorkerCommand, WorkerDriver } from '../harness/worker-driver.ts';

/** A step costs 100 + 10 · tokens + 1 · context tokens, so that each term shows in the sums by hand. */
export function engineConfig(over: Partial<EngineConfig> = {}): EngineConfig {
  return {
    model: 'engine',
    maxRunning: 8,
    maxBatchedTokens: 100,
    blocks: 100,
    blockTokens: 4,
    maxModelTokens: Infinity,
    maxWaiting: Infinity,
    chunkedPrefill: true,
    prefixCache: true,
    timing: { kind: 'affine', baseUs: 100, perTokenUs: 10, perKvTokenUs: 1 },
    ...over,
  };
}

/** `owner` doubles as request id. */
export function job(
  owner: number,
  promptTokens: number,
  outputTokens: number,
  hashIds: readonly number[] = [],
  hashBlockTokens = hashIds.length === 0 ? 0 : 4,
): JobInit<number> {
  return { owner, drawKey: owner, drawTry: 1, promptTokens, outputTokens, hashIds, hashBlockTokens };
}

export function submit(at: number, init: JobInit<number>, phase: Phase = PHASE.arrival): WorkerCommand {
  return { kind: 'submit', at, phase, job: init };
}

export function cancel(at: number, owner: number, phase: Phase = PHASE.io): WorkerCommand {
  return { kind: 'cancel', at, phase, owner };
}

export interface EngineRun {
  readonly driver: WorkerDriver;
  readonly engine: Engine<number>;
  readonly gaps: GapCounter;
}

/** An engine with commands planned, not yet run. */
export function planned(config: EngineConfig, commands: readonly WorkerCommand[], fastForward = false): EngineRun {
  const gaps = new GapCounter();
  const engine = new Engine<number>(config, gaps, fastForward);
  return { driver: new WorkerDriver(engine).plan(...commands), engine, gaps };
}

/** Token instants by owner of a step-by-step run of `commands`. */
export function tokenTimes(config: EngineConfig, ...commands: readonly WorkerCommand[]): Record<number, number[]> {
  return Object.fromEntries(planned(config, commands).driver.run().tokens);
}

/** Answers and events of a run that plans ahead. */
export function logOf(config: EngineConfig, ...commands: readonly WorkerCommand[]): unknown[][] {
  return planned(config, commands, true).driver.run().log;
}
