/** Numbers and durations of a document as YAML gives it, times a factor: what is drawn and thinned. */

/** A document as YAML gives it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonMapping = { readonly [key: string]: Json };

const DURATION = /^(?:\d+(?:\.\d+)?(?:ns|us|ms|s|m|h))+$/;
const PART = /(\d+(?:\.\d+)?)([a-z]+)/g;
const DIGITS = 4;

/** Whole numbers stay whole, and at least 1 when they were. */
export function timesNumber(value: number, factor: number): number {
  if (Number.isInteger(value)) return value === 0 ? 0 : Math.max(1, Math.round(value * factor));
  return Number((value * factor).toPrecision(DIGITS));
}

export function isDuration(text: string): boolean {
  return DURATION.test(text);
}

/** In the units it has; a text that is no duration stays. */
export function timesDuration(text: string, factor: number): string {
  if (!isDuration(text)) return text;
  return text.replaceAll(PART, (_part, digits: string, unit: string) => {
    return `${Number((Number(digits) * factor).toPrecision(DIGITS))}${unit}`;
  });
}
