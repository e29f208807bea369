/** Whether a lease given back is the one that was granted under its id: equal in every field. */
import type { RequestLease } from './types.ts';

export function sameLease(a: RequestLease, b: RequestLease): boolean {
  const { provider, model, domain } = a.resource;
  return (
    a.item === b.item &&
    a.acquiredAt === b.acquiredAt &&
    a.limit === b.limit &&
    a.effectiveMax === b.effectiveMax &&
    provider === b.resource.provider &&
    model === b.resource.model &&
    domain === b.resource.domain
  );
}
