/**
 * Text for a prompt of which a workload knows lengths and shared blocks only. Four bytes stand for a token, as in the
 * simulated engine and nearly so in English under common tokenizers. Equal block ids give equal text at equal places,
 * so that prefix caches and routers meet the sharing that the workload has; the rest is the request's own.
 */
import { mix32 } from '../../kernel/rng.ts';
import type { Arrival } from '../../workload/arrival.ts';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** `own`: names the request; `without`: tokens that the form around the text takes. */
export function promptText(arrival: Arrival, own: number, without = 0): string {
  const { promptTokens, hashIds, hashBlockTokens } = arrival;
  const length = Math.max(1, promptTokens - without);
  const parts: string[] = [];
  let tokens = 0;
  for (const id of hashIds) {
    const count = Math.min(hashBlockTokens, length - tokens);
    if (count <= 0) break;
    parts.push(words(mix32(id), count));
    tokens += count;
  }
  if (tokens < length) parts.push(words(mix32(own ^ 0x5bd1_e995), length - tokens));
  return parts.join('');
}

/** So many words of three letters and a blank. */
function words(seed: number, count: number): string {
  let text = '';
  let state = seed;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += `${letter(state >>> 8)}${letter(state >>> 15)}${letter(state >>> 22)} `;
  }
  return text;
}

function letter(number: number): string {
  return LETTERS[number % LETTERS.length] as string;
}
