/**
 * The documents made of finished runs: per variant the result document with the expectations that speak of
 * it, for several variants one that holds them all, and the Markdown reports. `host` is written last, the one
 * part that differs between equal runs.
 */
import type { ExpectationOutcome } from '../lab/expect.ts';
import type { RunOutcome } from '../lab/run-types.ts';
import { BASE_VARIANT } from '../lab/scenario-schema.ts';
import { renderMarkdown } from '../report/markdown.ts';
import type { RunPlan } from './run-plan.ts';

type Result = RunOutcome['result'];

const US_PER_SEC = 1e6;
const BYTES_PER_MB = 1e6;

export interface Documents {
  readonly results: readonly Result[];
  /**
   * The result document of the one variant, or the one of all: {scenario, variants: {NAME: result},
   * expectations}.
   */
  readonly json: string;
  readonly report: string;
  readonly byVariant: ReadonlyMap<string, { readonly json: string; readonly report: string }>;
}

export class RunDocuments {
  readonly #plan: RunPlan;
  readonly #results = new Map<string, Result>();

  constructor(plan: RunPlan) {
    this.#plan = plan;
  }

  /** `cpu` is the processor time of the run. */
  add(variant: string, result: Result, cpu: NodeJS.CpuUsage): void {
    const host = {
      nodeVersion: process.version,
      cpuSeconds: (cpu.user + cpu.system) / US_PER_SEC,
      rssMb: (process.resourceUsage().maxRSS * 1024) / BYTES_PER_MB,
    };
    this.#results.set(variant, { ...result, host });
  }

  /** Results by variant; a variant whose world is the base's stands for the base too. */
  byVariant(): Map<string, Result> {
    const { baseVariant } = this.#plan;
    const base = baseVariant === undefined ? undefined : this.#results.get(baseVariant);
    return base === undefined ? this.#results : new Map([...this.#results, [BASE_VARIANT, base]]);
  }

  all(expectations: readonly ExpectationOutcome[]): Documents {
    const results = [...this.#results.values()];
    const byVariant = new Map<string, { json: string; report: string }>();
    for (const [variant, result] of this.#results) {
      const own = expectations.filter((it) => it.variant === variant || this.#speaksOfBase(it, variant));
      byVariant.set(variant, { json: documentOf(result, own), report: this.#report([result], own) });
    }
    const only = results.length === 1 ? [...byVariant.values()][0] : undefined;
    const variants = Object.fromEntries(this.#results);
    const together = { scenario: this.#plan.scenario.name, variants, expectations };
    return {
      results,
      json: only?.json ?? jsonText(together),
      report: only?.report ?? this.#report(results, expectations),
      byVariant,
    };
  }

  #speaksOfBase(expectation: ExpectationOutcome, variant: string): boolean {
    return expectation.variant === BASE_VARIANT && variant === this.#plan.baseVariant;
  }

  #report(results: readonly Result[], expectations: readonly ExpectationOutcome[]): string {
    const { scenario, command } = this.#plan;
    return renderMarkdown(results, {
      title: scenario.name,
      command,
      nodeVersion: process.version,
      why: scenario.why,
      verdicts: expectations.map(({ ok, text }) => `expectation ${ok ? 'met' : 'FAILED'}: ${text}`),
    });
  }
}

function documentOf({ host, ...result }: Result, expectations: readonly ExpectationOutcome[]): string {
  return jsonText({ ...result, expectations, host });
}

function jsonText(document: unknown): string {
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
