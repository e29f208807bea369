/**
 * Request admission keeps nobody waiting beside a place that he may have: his endpoint and his resource have fewer
 * leases out than they allow, by the limit of the last grant, and no 429 came since. Held of `aimd`; a policy that
 * paces its calls keeps them waiting on purpose.
 */
import type { Invariant } from './invariant.ts';
import { ADMISSION_CALLS, AdmissionBook } from './admission-book.ts';

export const noIdleWait: Invariant = {
  name: 'no-idle-wait',
  promise: 'No call waits for request admission while its endpoint and its resource have a place for it.',
  hears: ADMISSION_CALLS,
  watch({ policies }, report) {
    const { name } = policies.admission;
    if (name !== 'aimd') return {};
    const book = new AdmissionBook();
    return {
      call(call) {
        if (book.book(call).kind !== 'drained') return;
        for (const [item, { name: resource, endpoint, out, limit }] of book.waiting) {
          if (!(out < limit) || endpoint.out >= endpoint.cap) continue;
          const room = `${out} leases of ${limit} are out, at the endpoint ${endpoint.out} of ${endpoint.cap}`;
          const message = `admission ${name} keeps task ${item} waiting for ${resource}, though ${room}`;
          report({ at: call.at, role: 'admission', message });
          return;
        }
      },
    };
  },
};
