/** What a world must offer a gateway core, and the one loop by which both worlds perform its effects. */
import type { FinishCause, FinishReason, Micros } from '../../policies/types.ts';
import type { Gateway } from './gateway.ts';
import type { Attempt, GatewayRequest, RequestInit } from './request.ts';

/** What the core wants done. `finish` is the last effect of its request. */
export type Effect<Init extends RequestInit = RequestInit> =
  | { readonly kind: 'start'; readonly attempt: Attempt<Init> }
  | { readonly kind: 'cancel'; readonly attempt: Attempt<Init> }
  | {
      readonly kind: 'finish';
      readonly request: GatewayRequest<Init>;
      readonly reason: FinishReason;
      readonly cause: FinishCause;
    };

/** The simulator and the live proxy each implement these four. None may enter the core before `drain` returned. */
export interface Host<Init extends RequestInit = RequestInit> {
  start(attempt: Attempt<Init>): void;
  cancel(attempt: Attempt<Init>): void;
  finish(request: GatewayRequest<Init>, reason: FinishReason, cause: FinishCause): void;
  /** Re-arms the host's one timer for this core; Infinity disarms it. */
  wakeAt(at: Micros): void;
}

/** Performs every pending effect in order, then re-arms the timer. Both worlds use it, so their order cannot differ. */
export function drain<Init extends RequestInit>(gateway: Gateway<Init>, host: Host<Init>): void {
  for (let effect = gateway.take(); effect !== undefined; effect = gateway.take()) {
    switch (effect.kind) {
      case 'start':
        host.start(effect.attempt);
        break;
      case 'cancel':
        host.cancel(effect.attempt);
        break;
      case 'finish':
        host.finish(effect.request, effect.reason, effect.cause);
        break;
      default:
        effect satisfies never;
    }
  }
  host.wakeAt(gateway.nextWakeAt());
}
