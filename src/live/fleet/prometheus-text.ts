/**
 * Reads gauges from a Prometheus text exposition the way smg does, so that both see the same load: a sample's name ends
 * at its first brace, its value is the first word after the last closing brace, a timestamp is ignored, what is no
 * number is skipped. Source: smg worker/monitor.rs at 73da68ca9.
 */

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

export interface Gauge {
  readonly has: boolean;
  /** Over all label sets; 0 when there is none. */
  readonly sum: number;
  readonly mean: number;
}

export class PrometheusText {
  readonly #values = new Map<string, number[]>();
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
    for (const line of text.split('\n')) this.#read(line.trim());
  }

  gauge(name: string): Gauge {
    const values = this.#values.get(name);
    if (values === undefined) return { has: false, sum: 0, mean: 0 };
    let sum = 0;
    for (const value of values) sum += value;
    return { has: true, sum, mean: sum / values.length };
  }

  /** The first of these names that is there. */
  firstOf(names: readonly string[]): Gauge {
    return this.gauge(names.find((name) => this.#values.has(name)) ?? '');
  }

  /** A whole number in a label of the first sample of that name; -1 when there is none. */
  label(name: string, label: string): number {
    const sample = this.#text.split('\n').find((line) => line.startsWith(`${name}{`)) ?? '';
    const digits = new RegExp(`[{,]\\s*${label}="(\\d{1,12})"`).exec(sample)?.[1];
    return digits === undefined ? -1 : Number(digits);
  }

  #read(line: string): void {
    if (line === '' || line.startsWith('#')) return;
    const brace = line.indexOf('{');
    const blank = line.search(/\s/);
    const name = brace >= 0 ? line.slice(0, brace) : line.slice(0, blank < 0 ? line.length : blank);
    const rest = brace >= 0 ? line.slice(line.lastIndexOf('}') + 1) : line.slice(name.length);
    const word = rest.trim().split(/\s+/, 1)[0] as string;
    if (!DECIMAL.test(word)) return;
    const value = Number(word);
    const values = this.#values.get(name.trim());
    if (values === undefined) this.#values.set(name.trim(), [value]);
    else values.push(value);
  }
}
