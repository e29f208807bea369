/** SGLang engines too small for their load, under the scripts of `worker-scripts.ts`. */
import fc from 'fast-check';
import type { SglangConfig } from '../../src/worker/sglang/sglang-config.ts';
import type { WorkerCommand } from '../harness/worker-driver.ts';
import { workerLoads, type WorkerScript, workerScripts } from './worker-scripts.ts';

export interface SglangScript {
  readonly config: SglangConfig;
  readonly commands: readonly WorkerCommand[];
}

/** A page, and budgets in pages: chunks must be whole ones. */
const sizes = fc.record({
  blockTokens: fc.constantFrom(1, 1, 2, 3, 4),
  chunkPages: fc.constantFrom(1, 2, 3, 10, Infinity),
  prefillPages: fc.constantFrom(1, 3, 5, 40),
  poolTokens: fc.integer({ min: 12, max: 48 }),
});

const settings = fc.record({
  model: fc.constant('sglang' as const),
  maxRunning: fc.constantFrom(1, 2, 3, 4, 8, 8),
  maxModelTokens: fc.constantFrom(24, Infinity, Infinity),
  maxWaiting: fc.constantFrom(2, Infinity, Infinity),
  prefixCache: fc.constantFrom(true, true, true, true, false),
  order: fc.constantFrom('fifo' as const, 'lpm' as const),
  clipNewTokens: fc.constantFrom(1, 3, 4096),
  conservativeness: fc.constantFrom(0.1, 0.3, 1),
  reservation: fc.constantFrom('prompt' as const, 'chunk' as const),
  mixedChunk: fc.constantFrom(false, false, true),
});

/** The affine timings of the script's own engine: few instants, so that commands meet ends of passes. */
function configFor({ config }: WorkerScript, scale: number): fc.Arbitrary<SglangConfig> {
  return fc.tuple(sizes, settings).map(([size, rest]) => ({
    ...rest,
    maxModelTokens: rest.maxModelTokens * scale,
    blockTokens: size.blockTokens,
    blocks: Math.max(3, Math.ceil((size.poolTokens * scale) / size.blockTokens)),
    chunkedPrefillTokens: size.chunkPages * size.blockTokens * scale,
    maxPrefillTokens: size.prefillPages * size.blockTokens * scale + (size.prefillPages % 2),
    timing: config.timing,
  }));
}

/** Prompts `scale` times as long. */
function scaled(command: WorkerCommand, scale: number): WorkerCommand {
  if (command.kind !== 'submit') return command;
  const { promptTokens, hashBlockTokens } = command.job;
  const job = { ...command.job, promptTokens: promptTokens * scale, hashBlockTokens: hashBlockTokens * scale };
  return { ...command, job };
}

/** Some scripts have prompts long enough to begin alike for the longest-prefix order. */
function withSglang(scripts: fc.Arbitrary<WorkerScript>): fc.Arbitrary<SglangScript> {
  return fc.tuple(scripts, fc.constantFrom(1, 1, 7)).chain(([script, scale]) =>
    configFor(script, scale).map((config) => ({
      config,
      commands: script.commands.map((command) => scaled(command, scale)),
    })),
  );
}

/** Submissions, cancellations, slow-downs, pauses, reads and, in some scripts, crashes. */
export function sglangScripts(actionsMax: number): fc.Arbitrary<SglangScript> {
  return withSglang(workerScripts(actionsMax));
}

/** Submissions only. */
export function sglangLoads(jobsMax: number): fc.Arbitrary<SglangScript> {
  return withSglang(workerLoads(jobsMax));
}
