import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PHASE } from '../../src/kernel/event-queue.ts';
import { DisaggregatedEngine } from '../../src/worker/disaggregated/disaggregated-engine.ts';
import { Endpoint } from '../../src/worker/endpoint.ts';
import { Engine } from '../../src/worker/engine.ts';
import { SglangEngine } from '../../src/worker/sglang/sglang-engine.ts';
import type { SimWorker } from '../../src/worker/worker.ts';
import { workerScripts, type WorkerScript } from '../arbitrary/worker-scripts.ts';
import { GapCounter, type WorkerCommand, WorkerDriver } from '../harness/worker-driver.ts';
import { disaggregated } from './disaggregated/shapes.ts';

const RUNS = Number(process.env['SPILLWAY_RUNS'] ?? 500);
const SEED = Number(process.env['SPILLWAY_SEED'] ?? 20261130);

type Maker = (script: WorkerScript, fastForward: boolean) => SimWorker<number>;

const SGLANG = {
  ...{ model: 'sglang' as const, clipNewTokens: 4, conservativeness: 0.3, order: 'fifo' as const },
  ...{ maxPrefillTokens: 24, chunkedPrefillTokens: 6, reservation: 'prompt' as const, mixedChunk: false },
  ...{ blocks: 60, blockTokens: 1 },
};

const MODELS: Readonly<Record<string, Maker>> = {
  engine: ({ config }, fastForward) => new Engine<number>(config, new GapCounter(), fastForward),
  'SGLang engine': ({ config: { maxRunning, maxModelTokens, maxWaiting, prefixCache, timing } }, fastForward) => {
    const config = { ...SGLANG, maxRunning, maxModelTokens, maxWaiting, prefixCache, timing };
    return new SglangEngine<number>(config, new GapCounter(), fastForward);
  },
  'disaggregated worker': ({ config }, fastForward) => {
    const pair = disaggregated(
      { bytesPerUs: 0.5, concurrentMax: 1, timeoutUs: 90 },
      { prefill: [config], decode: [config] },
    );
    return new DisaggregatedEngine<number>(pair, new GapCounter(), fastForward);
  },
  endpoint: () => {
    const serviceUs = { dist: 'uniform' as const, min: 2, max: 60 };
    return new Endpoint<number>({ model: 'endpoint', maxRunning: 2, maxWaiting: 3, serviceUs }, 7, 'service');
  },
};

/** Crashes end pauses, and totals count the time stood still: both are left out. */
function simple(commands: readonly WorkerCommand[]): WorkerCommand[] {
  return commands.filter(({ kind }) => kind !== 'crash' && kind !== 'read' && kind !== 'pause');
}

/** The clock of a worker that stands still in [at, at + forUs). */
function ownClock(world: number, { at, forUs }: { at: number; forUs: number }): number {
  return world < at ? world : Math.max(at, world - forUs);
}

/** What reaches a worker while it stands still reaches it first of all at the end; the rest keeps its phase. */
function shifted(command: WorkerCommand, pause: { at: number; forUs: number }): WorkerCommand {
  const at = ownClock(command.at, pause);
  const held = command.at >= pause.at && command.at < pause.at + pause.forUs;
  return held && (command.kind === 'submit' || command.kind === 'cancel')
    ? { ...command, at, phase: PHASE.io }
    : { ...command, at };
}

function history(worker: SimWorker<number>, commands: readonly WorkerCommand[], clock: (at: number) => number) {
  const { log } = new WorkerDriver(worker).plan(...commands).run();
  // Hashes are of instants of the world.
  const shown = log.map(([kind, at, owner, ...rest]) => [kind, clock(at as number), owner, ...rest.map(withoutHash)]);
  return { shown, held: worker.held(), tokens: worker.totals.generatedTokens };
}

function withoutHash(answer: unknown): unknown {
  return typeof answer === 'string' ? answer.replace(/"tokenHash":-?\d+/, '') : answer;
}

describe.each(Object.entries(MODELS))('a paused %s', (_, make) => {
  it('does what one does whose clock stood still', () => {
    let held = 0;
    const window = fc.record({ at: fc.nat({ max: 60 }).map((n) => n * 5), forUs: fc.constantFrom(1, 10, 35, 400) });
    const property = fc.property(workerScripts(60), window, fc.boolean(), (script, pause, fastForward) => {
      // In order of time and phase: what is held back keeps that order.
      const commands = simple(script.commands).sort((a, b) => a.at - b.at || phaseOf(a) - phaseOf(b));
      const paused = history(make(script, fastForward), [...commands, { kind: 'pause', ...pause }], (at) =>
        ownClock(at, pause),
      );
      const plain = commands.map((command) => shifted(command, pause));
      expect(paused).toEqual(history(make(script, fastForward), plain, (at) => at));
      held += commands.filter(({ at }) => at >= pause.at && at < pause.at + pause.forUs).length;
    });
    fc.assert(property, { seed: SEED, numRuns: RUNS });
    expect(held).toBeGreaterThan(RUNS);
  });
});

function phaseOf(command: WorkerCommand): number {
  return command.kind === 'submit' || command.kind === 'cancel' ? command.phase : PHASE.fault;
}
