/**
 * Wall-clock texts as distances: `2023-11-16 18:17:03.9799600` → microseconds since the first text read.
 *
 * A date and time with blank or T between them, up to nine digits of a second, and perhaps Z or an offset
 * (+00:00, as Azure's 2024 traces write it). Seconds and fraction are kept apart, because nanoseconds since
 * 1970 do not fit a double. Dates are looked up once for each distinct hour. No leap seconds, no time zones
 * by name.
 */

const HOUR = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d)$/;
const HOUR_CHARS = 13;
const SECOND_CHARS = 19;
const FRACTION_DIGITS_MAX = 9;
const DAY_MS = 86_400_000;

export class WallClock {
  #hour = '';
  /** Of the hour in `#hour`, since 1970; NaN when there is none such. */
  #hourSeconds = NaN;
  #seconds = 0;
  #nanos = 0;
  #firstSeconds = NaN;
  #firstNanos = 0;

  /** Whole microseconds since the first text this clock could read; NaN for a text that names no instant. */
  sinceFirst(text: string): number {
    if (!this.#read(text)) return NaN;
    if (Number.isNaN(this.#firstSeconds)) {
      this.#firstSeconds = this.#seconds;
      this.#firstNanos = this.#nanos;
    }
    return (this.#seconds - this.#firstSeconds) * 1e6 + Math.round((this.#nanos - this.#firstNanos) / 1000);
  }

  #read(text: string): boolean {
    const hour = text.slice(0, HOUR_CHARS);
    if (hour !== this.#hour) {
      this.#hour = hour;
      this.#hourSeconds = hourSeconds(hour);
    }
    const minutes = twoDigits(text, 14);
    const seconds = twoDigits(text, 17);
    if (text.charAt(13) !== ':' || text.charAt(16) !== ':' || !(minutes < 60 && seconds < 60)) return false;
    let end = SECOND_CHARS;
    this.#nanos = 0;
    if (text.charAt(end) === '.') {
      const start = ++end;
      while (isDigit(text.charCodeAt(end))) this.#nanos = this.#nanos * 10 + text.charCodeAt(end++) - 48;
      const digits = end - start;
      if (digits === 0 || digits > FRACTION_DIGITS_MAX) return false;
      this.#nanos *= 10 ** (FRACTION_DIGITS_MAX - digits);
    }
    const zone = end === text.length ? 0 : zoneSeconds(text.slice(end));
    this.#seconds = this.#hourSeconds + minutes * 60 + seconds - zone;
    return !Number.isNaN(this.#seconds);
  }
}

function hourSeconds(hour: string): number {
  const parts = HOUR.exec(hour)?.slice(1).map(Number);
  if (parts === undefined) return NaN;
  const [year, month, day, hours] = parts as [number, number, number, number];
  // Years below 100 mean 19xx to Date.UTC.
  if (year < 1000 || month < 1 || month > 12 || hours > 23) return NaN;
  const days = (Date.UTC(year, month, 1) - Date.UTC(year, month - 1, 1)) / DAY_MS;
  return day >= 1 && day <= days ? Date.UTC(year, month - 1, day, hours) / 1000 : NaN;
}

function zoneSeconds(zone: string): number {
  if (zone === 'Z') return 0;
  const parts = /^([+-])(\d\d):(\d\d)$/.exec(zone);
  if (parts === null) return NaN;
  const seconds = Number(parts[2]) * 3600 + Number(parts[3]) * 60;
  return parts[1] === '-' ? -seconds : seconds;
}

/** NaN when one of the two characters is no digit. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at);
  const ones = text.charCodeAt(at + 1);
  return isDigit(tens) && isDigit(ones) ? (tens - 48) * 10 + ones - 48 : NaN;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
