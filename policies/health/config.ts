/** Configuration of health probing. Defaults are the command-line column of smg (73da68ca9). */
import { z } from 'zod';
import { count, duration, policyObject } from '../config.ts';

export const probesConfig = policyObject('probes', {
  failureThreshold: count(1)
    .prefault(3)
    .describe('Failed probes in a row that turn a ready worker not-ready. Source: smg health-failure-threshold.'),
  successThreshold: count(1)
    .prefault(2)
    .describe('Good probes in a row that make a worker ready. Source: smg health-success-threshold.'),
  interval: duration('1us')
    .prefault('60s')
    .describe('Duration between two probes of a worker. Source: smg health-check-interval-secs.'),
  timeout: duration('1us')
    .prefault('5s')
    .describe('Duration after which a probe has failed. Source: smg health-check-timeout-secs.'),
  concurrencyMax: count(1).prefault(128).describe('Probes out at once. Source: smg worker/manager.rs.'),
  drainSettle: duration()
    .prefault('5s')
    .describe('Duration a draining worker may finish in before it is removed. Source: smg drain-settle-secs.'),
  removeFailed: z
    .boolean()
    .prefault(false)
    .describe('Whether a failed worker is taken out of the set. Source: smg remove-unhealthy-workers.'),
  startStatus: z
    .enum(['pending', 'ready'])
    .prefault('pending')
    .describe("Status of a worker before its first probe. 'ready': smg's silent activation (defect 9)."),
  pendingCap: z
    .enum(['on-failure', 'always'])
    .prefault('on-failure')
    .describe("Whether the last allowed probe of a pending worker fails it even when it succeeds ('always'), as smg."),
  failed: z
    .enum(['recovers', 'terminal'])
    .prefault('recovers')
    .describe("Whether a failed worker is probed on and may become ready, or never again ('terminal'), as smg."),
});
export type ProbesConfig = z.output<typeof probesConfig>;
