/** The `network:`, `reports:` and `health:` blocks: what the gateway learns of its workers, how, and how late. */
import { z } from 'zod';
import { durationOrNone } from '../../policies/config.ts';
import type { NetworkConfig, ReportsConfig } from '../sim/config.ts';
import type { Latency } from '../sim/network.ts';
import { durationDistribution } from './distribution-schema.ts';
import { decimal } from './number-schema.ts';

export const networkSchema = z
  .strictObject({
    client: durationDistribution()
      .prefault('250us')
      .describe('One way, client to gateway and back, fixed or drawn by message. Default 250us, within a zone.'),
    worker: durationDistribution()
      .prefault('250us')
      .describe('One way, gateway to worker and back, fixed or drawn by message. Default 250us, within a zone.'),
  })
  .describe('Latency of the network; messages of one connection keep their order.');

export const reportsSchema = z
  .strictObject({
    every: durationOrNone('1ms')
      .prefault('1s')
      .describe("Between a worker's load reports, or none. Default 1s."),
    when: z
      .enum(['always', 'changed'])
      .default('always')
      .describe('changed: a worker whose load is as it last reported says nothing. Default always.'),
    delay: durationDistribution()
      .prefault('0us')
      .describe('What a report takes beyond network.worker, fixed or drawn; late ones may be overtaken. Default 0us.'),
    loss: decimal(0, 1).default(0).describe('Probability that a report is lost, 0 to 1. Default 0.'),
    duplicates: decimal(0, 1)
      .default(0)
      .describe('Probability that a report is sent twice, each copy with its own delay, 0 to 1. Default 0.'),
    stamps: z
      .enum(['gateway', 'worker'])
      .default('gateway')
      .describe(
        'What the gateway goes by. gateway: the last report to arrive is the newest, as smg and Dynamo have it. ' +
          "worker: the stamp of the worker's clock; what is not newer is dropped. Default gateway.",
      ),
  })
  .describe('What workers say of their load.');

export const healthSchema = z
  .strictObject({
    detection: durationOrNone()
      .prefault('10s')
      .describe(
        'From a crash or a return until the gateway notices; none: never. Without effect where policies.health ' +
          'probes. Default 10s.',
      ),
  })
  .describe("The gateway's health check.");

export function networkConfig({ client, worker }: z.output<typeof networkSchema>): NetworkConfig {
  return { clientUs: latency(client), workerUs: latency(worker) };
}

export function reportsConfig(parsed: z.output<typeof reportsSchema>): ReportsConfig {
  const { every, when, delay, loss, duplicates, stamps } = parsed;
  const onChange = when === 'changed' ? true : undefined;
  return { everyUs: every, onChange, delayUs: latency(delay), lossRatio: loss, duplicateRatio: duplicates, stamps };
}

function latency(drawn: Exclude<Latency, number>): Latency {
  return drawn.dist === 'constant' ? drawn.value : drawn;
}
