/**
 * How reports write numbers: one place, no locale, so that a report is the same on every machine. Null, a number
 * that does not exist, is a dash.
 */

export const NONE = '–';

/** A whole number with thousands separators; a fraction is rounded. */
export function formatCount(value: number | null): string {
  return value === null ? NONE : grouped(value.toFixed(0));
}

/** Milliseconds: three decimals below 10, two below 100, one above. */
export function formatMs(ms: number | null): string {
  if (ms === null) return NONE;
  const size = Math.abs(ms);
  return grouped(ms.toFixed(size < 10 ? 3 : size < 100 ? 2 : 1));
}

/** A rate or a mean: two decimals below 100, one above. */
export function formatRate(value: number | null): string {
  return value === null ? NONE : grouped(value.toFixed(Math.abs(value) < 100 ? 2 : 1));
}

/** A ratio as percent, one decimal; never 100.0 % or 0.0 % of what is not all or nothing. */
export function formatPercent(ratio: number | null): string {
  if (ratio === null) return NONE;
  const text = (ratio * 100).toFixed(1);
  if (text === '100.0' && ratio < 1) return '>99.9 %';
  if (text === '0.0' && ratio > 0) return '<0.1 %';
  return `${text} %`;
}

/** A factor, `×1.234`. */
export function formatFactor(value: number | null): string {
  return value === null ? NONE : `×${grouped(value.toFixed(3))}`;
}

/** Thousands separators in the whole part of what `toFixed` gave. */
function grouped(fixed: string): string {
  const point = fixed.indexOf('.');
  const whole = point === -1 ? fixed : fixed.slice(0, point);
  const rest = point === -1 ? '' : fixed.slice(point);
  return whole.replace(/\B(?=(\d{3})+$)/g, ',') + rest;
}
