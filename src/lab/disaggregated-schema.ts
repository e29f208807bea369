/**
 * The `disaggregated:` block of a fleet: engines that compute prompts, engines that decode, and the link over which KV
 * travels between them. To the gateway all of it is one worker.
 */
import { z } from 'zod';
import { duration, durationOrNone } from '../../policies/config.ts';
import type { DisaggregatedConfig } from '../worker/disaggregated/disaggregated-config.ts';
import type { EngineConfig } from '../worker/engine-config.ts';
import { decimal, wholeNumber, wholeNumberOrNone } from './number-schema.ts';
import { vllmEngineConfig, vllmEngineSchema } from './vllm-engine-schema.ts';

const ENGINES_MAX = 1000;
/** Bytes per microsecond that one GB/s is. */
const GB_PER_SEC = 1000;

const half = (what: string) =>
  z.strictObject({
    count: wholeNumber(1, ENGINES_MAX).default(1).describe(`Engines that ${what}. Default 1.`),
    engine: vllmEngineSchema.prefault({}).describe('Their settings, semantics vllm. Default: the default engine.'),
  });

const link = z.strictObject({
  bandwidth: decimal(0.000001, 1e6)
    .default(64)
    .describe("GB/s, shared evenly by the transfers under way. Default 64, that of Dynamo's mocker."),
  latency: duration().prefault('0s').describe('From the last byte sent until the KV can be used. Default 0s.'),
  bytesPerToken: wholeNumber(1, 1e9)
    .default(131_072)
    .describe(
      'KV bytes of a token: layers × 2 × KV heads × head size × bytes. Default 131072, Llama-3.1-8B in 16 bits.',
    ),
  sends: z
    .enum(['all', 'missing'])
    .default('missing')
    .describe('What of a prompt is sent: all, or what the decode side has not cached. Default missing.'),
  concurrent: wholeNumberOrNone(1).prefault('none').describe('Transfers under way at once. Default none: no bound.'),
  maxWaiting: wholeNumberOrNone(0)
    .prefault('none')
    .describe('Transfers that may wait, for blocks or for the link; more fail at once. Default none: no bound.'),
  timeout: durationOrNone('1us')
    .prefault('300s')
    .describe(
      'From prompt computed to KV arrived; then it fails. Default 300s, SGLANG_DISAGGREGATION_WAITING_TIMEOUT.',
    ),
});

/** A `disaggregated:` block. */
export const disaggregatedSchema = z
  .strictObject({
    prefill: half('compute prompts').prefault({}).describe('The half that computes prompts.'),
    decode: half('decode').prefault({}).describe('The half that decodes.'),
    link: link.prefault({}).describe('What KV travels over, from any engine of the one half to any of the other.'),
    firstToken: z
      .enum(['decode', 'prefill'])
      .default('decode')
      .describe(
        'Which half answers first: decode, a failed transfer is a 500; prefill, it breaks a stream. Default decode.',
      ),
  })
  .describe('Prefill/decode disaggregation: one worker to the gateway, two pools of engines and a link inside.');
type ParsedDisaggregated = z.output<typeof disaggregatedSchema>;

/** What the worker is given. */
export function disaggregatedConfig({
  prefill,
  decode,
  link: given,
  firstToken,
}: ParsedDisaggregated): DisaggregatedConfig {
  return {
    model: 'disaggregated',
    prefill: enginesOf(prefill),
    decode: enginesOf(decode),
    link: {
      bytesPerUs: given.bandwidth * GB_PER_SEC,
      latencyUs: given.latency,
      concurrentMax: given.concurrent,
      waitingMax: given.maxWaiting,
      timeoutUs: given.timeout,
      bytesPerToken: given.bytesPerToken,
      sends: given.sends,
    },
    firstToken,
  };
}

function enginesOf({ count, engine }: ParsedDisaggregated['prefill']): EngineConfig[] {
  const config = vllmEngineConfig(engine);
  return Array.from({ length: count }, () => config);
}
