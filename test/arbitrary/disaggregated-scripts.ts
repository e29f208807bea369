/**
 * Disaggregated workers too small for their load, over slow links, under the scripts of `worker-scripts.ts`; halves go
 * down and links are throttled beside them.
 */
import fc from 'fast-check';
import type { DisaggregatedConfig, KvLinkConfig } from '../../src/worker/disaggregated/disaggregated-config.ts';
import type { WorkerCommand } from '../harness/worker-driver.ts';
import { engineConfigs, workerScripts } from './worker-scripts.ts';

export interface DisaggregatedScript {
  readonly config: DisaggregatedConfig;
  readonly commands: readonly WorkerCommand[];
}

/** A byte a token: a prompt takes some passes, or less than one. */
const kvLinks: fc.Arbitrary<KvLinkConfig> = fc.record({
  bytesPerUs: fc.constantFrom(0.1, 0.5, 3, 1000),
  latencyUs: fc.constantFrom(0, 5, 12),
  concurrentMax: fc.constantFrom(1, 2, Infinity),
  waitingMax: fc.constantFrom(0, 1, Infinity, Infinity, Infinity),
  timeoutUs: fc.constantFrom(40, 150, 2000),
  bytesPerToken: fc.constant(1),
  sends: fc.constantFrom('all', 'missing'),
});

const half = fc.array(engineConfigs, { minLength: 1, maxLength: 2, size: 'max' });

const disturbance: fc.Arbitrary<WorkerCommand> = fc.oneof(
  fc.record({
    kind: fc.constant('half' as const),
    at: fc.nat({ max: 80 }).map((n) => n * 5),
    side: fc.constantFrom('prefill' as const, 'decode' as const),
    forUs: fc.constantFrom(5, 60),
  }),
  fc.record({
    kind: fc.constant('link' as const),
    at: fc.nat({ max: 80 }).map((n) => n * 5),
    factor: fc.constantFrom(0, 0.2, 1, 4),
  }),
);

/** Up to so many commands, and a few that befall halves and link. */
export function disaggregatedScripts(actionsMax: number): fc.Arbitrary<DisaggregatedScript> {
  const config = fc.record({
    model: fc.constant('disaggregated' as const),
    prefill: half,
    decode: half,
    link: kvLinks,
    firstToken: fc.constantFrom('decode' as const, 'prefill' as const),
  });
  const disturbances = fc.array(disturbance, { maxLength: 3, size: 'max' });
  return fc.record({ config, script: workerScripts(actionsMax), disturbances }).map(({ config: its, ...rest }) => {
    return { config: its, commands: [...rest.script.commands, ...rest.disturbances] };
  });
}
