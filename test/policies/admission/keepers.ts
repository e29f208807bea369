import { AdaptiveAdmission } from '../../../policies/admission/adaptive-admission.ts';
import type { RequestAdmissionConfig } from '../../../policies/admission/config.ts';
import { requestAdmission } from '../../../policies/admission/request-admission.ts';
import type {
  AdmissionEffect,
  AdmissionOptions,
  RequestDomain,
  RequestLease,
  Resource,
} from '../../../policies/admission/types.ts';

export const HISTORIC = requestAdmission.config.parse({
  name: 'aimd',
  ...requestAdmission.variants['datadesigner-head'],
});
export const REPAIRED = requestAdmission.config.parse({ name: 'aimd' });

export function resource(domain: RequestDomain = 'chat', model = 'm', provider = 'p'): Resource {
  return { provider, model, domain };
}

/** A keeper of the repaired settings, or others, whose endpoint p/m may have `cap` leases out. */
export function keeper(cap: number, fields: Partial<RequestAdmissionConfig> = {}, options: AdmissionOptions = {}) {
  const admission = new AdaptiveAdmission({ ...REPAIRED, ...fields }, options);
  if (cap > 0) admission.register(0, 'p', 'm', 'a', cap);
  return admission;
}

export function takeAll(admission: AdaptiveAdmission): readonly AdmissionEffect[] {
  const effects: AdmissionEffect[] = [];
  for (let effect = admission.take(); effect !== undefined; effect = admission.take()) effects.push(effect);
  return effects;
}

/** Effects as `granted 3`, `denied 4 queue-timeout`, `cancelled 5`. */
export function told(admission: AdaptiveAdmission): readonly string[] {
  return takeAll(admission).map((effect) => {
    return `${effect.kind} ${effect.item}${effect.kind === 'denied' ? ` ${effect.reason}` : ''}`;
  });
}

/** The lease that tryAcquire grants. */
export function lease(admission: AdaptiveAdmission, now: number, item = 0, of: Resource = resource()): RequestLease {
  const answer = admission.tryAcquire(now, item, of);
  if (answer.kind !== 'granted') throw new Error(`denied: ${answer.reason}`);
  return answer.lease;
}

/** `granted`, or why not. */
export function attempt(admission: AdaptiveAdmission, now: number, of: Resource = resource()): string {
  const answer = admission.tryAcquire(now, 99, of);
  return answer.kind === 'granted' ? answer.kind : answer.reason;
}

export function limitAt(admission: AdaptiveAdmission, now: number, of: Resource = resource()): number | undefined {
  return admission.snapshot(now, of)?.limit;
}
