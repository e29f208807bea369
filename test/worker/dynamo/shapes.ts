/** Engines with Dynamo's scheduling for tests, and runs of them with the exact instants of their tokens. */
import type { DynamoEngineConfig } from '../../../src/worker/dynamo/dynamo-engine-config.ts';
import { DynamoEngine } from '../../../src/worker/dynamo/dynamo-engine.ts';
import type { TimingConfig } from '../../../src/worker/timing/timing.ts';
import type { JobInit, JobView, WorkerEvent } from '../../../src/worker/worker.ts';
import { GapCounter, type WorkerCommand, WorkerDriver } from '../../harness/worker-driver.ts';

interface Speed {
  readonly speedup?: number;
  readonly decodeSpeedup?: number;
}

/** The mocker's own defaults and timing. */
export function dynamoConfig(
  over: Partial<DynamoEngineConfig> = {},
  { speedup = 1, decodeSpeedup = 1 }: Speed = {},
): DynamoEngineConfig {
  const { blocks = 16_384, blockTokens = 64 } = over;
  const timing: TimingConfig = { kind: 'dynamo', speedup, decodeSpeedup, poolTokens: blocks * blockTokens };
  return {
    model: 'dynamo',
    semantics: 'dynamo',
    maxRunning: 256,
    maxBatchedTokens: 8192,
    blocks,
    blockTokens,
    maxModelTokens: Infinity,
    maxWaiting: Infinity,
    chunkedPrefill: true,
    prefixCache: true,
    preemption: 'lifo',
    ranks: 1,
    timing,
    ...over,
  };
}

/** Remembers the exact instants of all tokens. */
class ExactEngine extends DynamoEngine<number> {
  /** Microseconds with their fraction, by owner. */
  readonly tokens = new Map<number, number[]>();
  readonly #views = new Map<number, JobView<number>>();
  #endUs = 0;

  override advance(now: number): void {
    this.#endUs = this.passEndUs;
    super.advance(now);
  }

  override cancel(now: number, owner: number): JobView<number> | undefined {
    this.#endUs = this.passEndUs;
    return super.cancel(now, owner);
  }

  /** Events are taken to the last after each call: then what is new came at the end of one pass. */
  override take(): WorkerEvent<number> | undefined {
    const event = super.take();
    if (event?.kind === 'first-token') this.#views.set(event.job.init.owner, event.job);
    if (event !== undefined) return event;
    for (const [owner, { generated }] of this.#views) {
      const times = this.tokens.get(owner) ?? [];
      while (times.length < generated) times.push(this.#endUs);
      this.tokens.set(owner, times);
    }
    return undefined;
  }
}

export interface DynamoRun {
  readonly driver: WorkerDriver;
  readonly engine: ExactEngine;
  readonly gaps: GapCounter;
}

/** An engine with commands planned, not yet run. */
export function planned(config: DynamoEngineConfig, commands: readonly WorkerCommand[]): DynamoRun {
  const gaps = new GapCounter();
  const engine = new ExactEngine(config, gaps);
  return { driver: new WorkerDriver(engine).plan(...commands), engine, gaps };
}

/** Microseconds as the golden table prints them: milliseconds with six decimals. */
export function ms(us: number): string {
  return (us / 1000).toFixed(6);
}

/** Prompt content as hash ids of one block each, shared with every job of the same `group`. */
export function sharedJob(owner: number, promptTokens: number, outputTokens: number, group: number): JobInit<number> {
  const hashIds = Array.from({ length: Math.ceil(promptTokens / 64) }, (_, i) => group * 1000 + i);
  return { owner, drawKey: owner, drawTry: 1, promptTokens, outputTokens, hashIds, hashBlockTokens: 64 };
}
