/** Small SGLang engines for tests, and runs of them. */
import type { SglangConfig } from '../../../src/worker/sglang/sglang-config.ts';
import { SglangEngine } from '../../../src/worker/sglang/sglang-engine.ts';
import { GapCounter, type WorkerCommand, WorkerDriver } from '../../harness/worker-driver.ts';

/** A pass costs 100 + 10 · tokens + 1 · context tokens, so that each term shows in the sums by hand. */
export function sglangConfig(over: Partial<SglangConfig> = {}): SglangConfig {
  return {
    model: 'sglang',
    maxRunning: 8,
    blocks: 400,
    blockTokens: 1,
    maxModelTokens: Infinity,
    maxWaiting: Infinity,
    prefixCache: true,
    order: 'fifo',
    maxPrefillTokens: 200,
    chunkedPrefillTokens: 100,
    clipNewTokens: 4096,
    conservativeness: 1,
    reservation: 'prompt',
    mixedChunk: false,
    timing: { kind: 'affine', baseUs: 100, perTokenUs: 10, perKvTokenUs: 1 },
    ...over,
  };
}

export interface SglangRun {
  readonly driver: WorkerDriver;
  readonly engine: SglangEngine<number>;
  readonly gaps: GapCounter;
}

/** An engine with commands planned, not yet run. */
export function planned(config: SglangConfig, commands: readonly WorkerCommand[], fastForward = false): SglangRun {
  const gaps = new GapCounter();
  const engine = new SglangEngine<number>(config, gaps, fastForward);
  return { driver: new WorkerDriver(engine).plan(...commands), engine, gaps };
}

/** Token instants by owner of a step-by-step run of `commands`. */
export function tokenTimes(config: SglangConfig, ...commands: readonly WorkerCommand[]): Record<number, number[]> {
  return Object.fromEntries(planned(config, commands).driver.run().tokens);
}

/** Answers and events of a run that plans ahead. */
export function logOf(config: SglangConfig, ...commands: readonly WorkerCommand[]): unknown[][] {
  return planned(config, commands, true).driver.run().log;
}
