/** How far the gateway's acts may lie behind the instants that its policies were told. */
import type { ResolvedScenario } from '../resolve.ts';

/** Microseconds: what test mode delays wakes by; Infinity: a busy host acts when it can. */
export function hostSlackUs({ config }: ResolvedScenario): number {
  const isFree = Object.values(config.host).every((cost) => cost === 0);
  const stalls = config.faults.some((fault) => fault.kind === 'stall' && fault.host === 'gateway');
  return isFree && !stalls ? (config.testMode?.wakeDelayUs ?? 0) : Infinity;
}
