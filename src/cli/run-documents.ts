/**
 * The documents made of finished runs: per variant the result document with the expectations that speak of
 * it, for several variants one that holds them all, and the Markdown reports. `host` is written last, the one
 * part that differs between equal runs.
 */
import { gzipSync } from 'node:zlib';
import type { ExpectationOutcome } from '../lab/expect.ts';
import type { RunOutcome } from '../lab/run-types.ts';
import { BASE_VARIANT } from '../lab/scenario-schema.ts';
import type { ChartData } from '../lab/charts.ts';
import type { ResolvedScenario } from '../lab/resolve.ts';
import { type PageAssets, renderHtml } from '../report/html.ts';
import { type ReportAbout, renderMarkdown } from '../report/markdown.ts';
import type { FaultWindow } from '../report/page-data.ts';
import { perfettoTrace } from '../report/perfetto.ts';
import type { RequestSpan } from '../lab/spans.ts';
import type { FolderDocuments } from './output-folder.ts';
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
  readonly page: string | undefined;
  readonly trace: undefined;
  readonly byVariant: ReadonlyMap<string, FolderDocuments>;
}

/** What pages and traces draw of a run. */
export interface Drawn {
  readonly charts: ChartData;
  readonly spans: readonly RequestSpan[];
  readonly oneIn: number;
}

export class RunDocuments {
  readonly #plan: RunPlan;
  readonly #results = new Map<string, Result>();
  readonly #drawn = new Map<string, Drawn>();
  readonly #assets: PageAssets | undefined;

  /** `assets`: of the pages; undefined: none are made. */
  constructor(plan: RunPlan, assets?: PageAssets) {
    this.#plan = plan;
    this.#assets = assets;
  }

  /** `cpu` is the processor time of the run. */
  add(variant: string, result: Result, cpu: NodeJS.CpuUsage, drawn?: Drawn): void {
    if (drawn !== undefined) this.#drawn.set(variant, drawn);
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
    const byVariant = new Map<string, FolderDocuments>();
    for (const [variant, result] of this.#results) {
      const own = expectations.filter((it) => it.variant === variant || this.#speaksOfBase(it, variant));
      const about = this.#about(own);
      byVariant.set(variant, {
        json: documentOf(result, own),
        report: renderMarkdown([result], about),
        page: this.#page([result], about),
        trace: this.#trace(result),
      });
    }
    const only = results.length === 1 ? [...byVariant.values()][0] : undefined;
    const variants = Object.fromEntries(this.#results);
    const about = this.#about(expectations);
    const together = { scenario: this.#plan.scenario.name, variants, expectations };
    return {
      results,
      json: only?.json ?? jsonText(together),
      report: only?.report ?? renderMarkdown(results, about),
      page: only === undefined ? this.#page(results, about) : only.page,
      trace: undefined,
      byVariant,
    };
  }

  #speaksOfBase(expectation: ExpectationOutcome, variant: string): boolean {
    return expectation.variant === BASE_VARIANT && variant === this.#plan.baseVariant;
  }

  #about(expectations: readonly ExpectationOutcome[]): ReportAbout {
    const { scenario, command } = this.#plan;
    return {
      title: scenario.name,
      command,
      nodeVersion: process.version,
      why: scenario.why,
      expectations,
      verdicts: expectations.map(({ ok, text }) => `expectation ${ok ? 'met' : 'FAILED'}: ${text}`),
    };
  }

  #page(results: readonly Result[], about: ReportAbout): string | undefined {
    const assets = this.#assets;
    if (assets === undefined) return undefined;
    const runs = results.flatMap((result) => {
      const drawn = this.#drawn.get(result.variant);
      return drawn === undefined ? [] : [{ result, charts: drawn.charts, faults: this.#faults(result) }];
    });
    return runs.length === results.length ? renderHtml(runs, about, assets) : undefined;
  }

  #trace(result: Result): Uint8Array | undefined {
    const drawn = this.#drawn.get(result.variant);
    if (drawn === undefined) return undefined;
    const { charts, spans, oneIn } = drawn;
    const endUs = result.simulated_seconds * US_PER_SEC;
    const faults = this.#faults(result);
    return gzipSync(perfettoTrace({ name: result.variant, spans, oneIn, charts, faults, endUs }));
  }

  #faults({ variant }: Result): FaultWindow[] {
    const resolved = this.#plan.variants.find((each) => each.variant === variant);
    return resolved === undefined ? [] : windowsOf(resolved);
  }
}

function windowsOf({ config }: ResolvedScenario): FaultWindow[] {
  return config.faults.map((fault) => {
    const where = 'worker' in fault ? ` on worker ${fault.worker}` : '';
    return { label: `${fault.kind}${where}`, at: fault.at, forUs: 'forUs' in fault ? fault.forUs : 0 };
  });
}

function documentOf({ host, ...result }: Result, expectations: readonly ExpectationOutcome[]): string {
  return jsonText({ ...result, expectations, host });
}

function jsonText(document: unknown): string {
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
