/** Settings of a worker that computes prompts on some engines and decodes on others, with a link between them. */
import type { EngineConfig } from '../engine-config.ts';

export interface KvLinkConfig {
  /** Bytes per microsecond (GB/s × 1,000), > 0; shared evenly by the transfers under way. */
  readonly bytesPerUs: number;
  /** From the last byte sent until the decode side can use it. */
  readonly latencyUs: number;
  /** Transfers under way at once, ≥ 1; others wait for one to end, in order. Infinity: no bound. */
  readonly concurrentMax: number;
  /** Transfers that may wait, for blocks of the decode side or for the link; more fail at once. Infinity: no bound. */
  readonly waitingMax: number;
  /** From the end of the prompt's computation until its KV has come; then the transfer fails. Infinity: never. */
  readonly timeoutUs: number;
  /** KV bytes of one token: layers × 2 × KV heads × head size × bytes of a number. */
  readonly bytesPerToken: number;
  /** What is sent of a prompt: all of it, or what the decode side has not in its cache. */
  readonly sends: 'all' | 'missing';
}

export interface DisaggregatedConfig {
  readonly model: 'disaggregated';
  /** One for each engine; one at least on either side. */
  readonly prefill: readonly EngineConfig[];
  readonly decode: readonly EngineConfig[];
  readonly link: KvLinkConfig;
  /**
   * Who answers the client first: the decode side, once it has the KV, so that a failed transfer is an HTTP error; or
   * the prefill side with the first token, so that it breaks a stream.
   */
  readonly firstToken: 'decode' | 'prefill';
}
