/** A small disaggregated worker for tests, and runs of it. */
import type { DisaggregatedConfig, KvLinkConfig } from '../../../src/worker/disaggregated/disaggregated-config.ts';
import { DisaggregatedEngine } from '../../../src/worker/disaggregated/disaggregated-engine.ts';
import { GapCounter, type WorkerCommand, WorkerDriver } from '../../harness/worker-driver.ts';
import { engineConfig } from '../shapes.ts';

/** A byte a token and a token a microsecond: a prompt of n tokens is n µs on a link of its own. */
function linkConfig(over: Partial<KvLinkConfig> = {}): KvLinkConfig {
  return {
    bytesPerUs: 1,
    latencyUs: 0,
    concurrentMax: Infinity,
    waitingMax: Infinity,
    timeoutUs: Infinity,
    bytesPerToken: 1,
    sends: 'all',
    ...over,
  };
}

/** A pass takes 100 µs on either side, whatever it computes. */
export function disaggregated(
  link: Partial<KvLinkConfig> = {},
  over: Partial<DisaggregatedConfig> = {},
): DisaggregatedConfig {
  const engine = engineConfig({ timing: { kind: 'affine', baseUs: 100, perTokenUs: 0, perKvTokenUs: 0 } });
  return {
    model: 'disaggregated',
    prefill: [engine],
    decode: [engine],
    link: linkConfig(link),
    firstToken: 'decode',
    ...over,
  };
}

export function driverOf(config: DisaggregatedConfig, ...commands: readonly WorkerCommand[]): WorkerDriver {
  return new WorkerDriver(new DisaggregatedEngine<number>(config, new GapCounter())).plan(...commands);
}

/** [kind, instant, owner], and the status of a failure: what happened, without the views. */
export function eventsOf(driver: WorkerDriver): unknown[][] {
  return driver.run().log.map(([kind, at, owner, answer, status]) => {
    if (kind === 'submit') return [kind, at, owner, answer];
    return kind === 'failed' ? [kind, at, owner, status] : [kind, at, owner];
  });
}
