/** Plays the events of the busy tables into a gate, all at instant 0. */
import { Busy } from '../../../policies/busy/busy.ts';
import type { BusyConfig } from '../../../policies/busy/config.ts';
import type { WorkerPool } from '../../../policies/busy/monitor.ts';
import { attemptResult, loadReport, requestView, workerView } from '../../policies/views.ts';

const NONE = { kvUsedRatioMax: Infinity, decodeRatioMax: Infinity, prefillTokensMax: Infinity };
/** The default model with every check off. */
export const OFF: BusyConfig = {
  ...{ name: 'busy', model: 'values', prefillBatchesMax: Infinity },
  ...{ staleAfter: 30e6, whenStale: 'probe', refusalHold: 1e6 },
  ...NONE,
};
/** One ratio for both block signals, as Dynamo has it. */
export const blocks = (ratio: number) => ({ kvUsedRatioMax: ratio, decodeRatioMax: ratio });

const numbers = (text: string) => (text.match(/\d+/g) ?? []).map(Number);
const valueOf = (text: string, name: string) => Number(new RegExp(`${name}=(\\S+)`).exec(text)?.[1] ?? -1);

/** `id:total`, or `id:ranks x total x batch`; '-' and None are unknown. */
function poolsOf(text: string): Map<number, WorkerPool> {
  const known = (value: string | undefined) => (value === undefined || /-|None/.test(value) ? -1 : Number(value));
  const entries = text.split(',').map((entry): [number, WorkerPool] => {
    const [id, size = ''] = entry.split(':');
    const parts = size.split('x');
    if (parts.length === 1) return [Number(id), { ranks: -1, kvTotalBlocks: known(size), maxBatchedTokens: -1 }];
    return [Number(id), { ranks: known(parts[0]), kvTotalBlocks: known(parts[1]), maxBatchedTokens: known(parts[2]) }];
  });
  return new Map(entries);
}

/** Plays one event at instant 0. */
function play(gate: Busy, event: string, known: Set<number>): void {
  const [, verb = '', text = ''] = /^([A-Z]+)[[{(]?(.*?)[\]})]?$/.exec(event) ?? [];
  const [id = -1, second = -1] = numbers(text);
  const attempt = { id: 0, request: requestView(), worker: workerView({ index: id }), startedAt: 0 };
  switch (verb) {
    case 'D':
    case 'SEEN':
      gate.discovered(0, numbers(text), verb === 'D');
      for (const worker of numbers(text)) if (!known.has(worker)) gate.statusChanged(0, worker, 'ready');
      known.clear();
      for (const worker of numbers(text)) known.add(worker);
      break;
    case 'C':
      gate.poolsChanged(0, poolsOf(text));
      break;
    case 'K':
      gate.reported(0, id, 0, loadReport({ decodeBlocks: second }));
      break;
    case 'L': {
      const load = { decodeBlocks: valueOf(text, 'dec'), prefillTokens: valueOf(text, 'pre') };
      gate.reported(0, id, second, loadReport({ ...load, kvUsedBlocks: valueOf(text, 'kv') }));
      break;
    }
    case 'CLOSE':
      gate.reportsEnded(0);
      break;
    case 'DOWN':
      gate.statusChanged(0, id, 'not-ready');
      break;
    case 'WREJ':
      gate.granted(0, attempt);
      gate.settled(0, attempt, attemptResult({ outcome: 'refused', status: 503 }));
      break;
    case 'SET':
      gate.setThresholds(0, blocks(valueOf(text, 'd')));
      break;
    case 'BAD':
      break;
    default:
      throw new Error(`unknown event ${event}`);
  }
}

/** A gate of these thresholds, all others off, after the events. */
export function playAll(config: Partial<BusyConfig>, events: string): Busy {
  const gate = new Busy({ ...OFF, ...config });
  const known = new Set<number>();
  const spelled = events.replaceAll('C2', 'C{1:1x100x1000, 2:1x100x1000}').replaceAll(', ', ',');
  for (const event of spelled.match(/[A-Z]+(\[[^\]]*\]|\{[^}]*\}|\([^)]*\))?/g) ?? []) play(gate, event, known);
  return gate;
}
