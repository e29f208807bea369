/** Which requests are good: ok, and within every objective. A reply of one token has TPOT 0, as in vLLM. */
import type { RequestRecord } from './record.ts';
import type { Slo } from './recorder.ts';

export function isGood(record: RequestRecord, slo: Slo): boolean {
  if (record.reason !== 'ok') return false;
  const e2eUs = record.finishedAt - record.sentAt;
  const ttftUs = record.firstTokenAt < 0 ? e2eUs : record.firstTokenAt - record.sentAt;
  const gaps = record.outputTokens - 1;
  const tpotUs = gaps > 0 ? (e2eUs - ttftUs) / gaps : 0;
  return ttftUs <= slo.ttftUs && tpotUs <= slo.tpotUs && e2eUs <= slo.e2eUs;
}
