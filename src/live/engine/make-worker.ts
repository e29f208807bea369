/** Makes the simulated worker of a live engine. It steps through every pass, since clients see each token come. */
import { type EndpointConfig, Endpoint } from '../../worker/endpoint.ts';
import { Engine } from '../../worker/engine.ts';
import type { EngineConfig } from '../../worker/engine-config.ts';
import type { SimWorker } from '../../worker/worker.ts';

export type LiveWorkerConfig = EngineConfig | EndpointConfig;

/** `seed` is of an endpoint's service draws. */
export function makeLiveWorker<Owner>(config: LiveWorkerConfig, seed: number): SimWorker<Owner> {
  if (config.model === 'endpoint') return new Endpoint(config, seed, 'endpoint/service');
  return new Engine(config, { tokenGaps: () => undefined }, false);
}
