/** What the page is given: the plain data of `html.ts`, times in seconds, latencies in milliseconds. */

export interface RunData {
  readonly name: string;
  /** Share of each outcome, in the order of the partition, zero ones left out. */
  readonly outcomes: readonly { readonly name: string; readonly count: number }[];
  readonly at: readonly number[];
  /** Levels by name. */
  readonly levels: Readonly<Record<string, readonly number[]>>;
  readonly sentAt: readonly number[];
  readonly finishedAt: readonly number[];
  /** −1: none. */
  readonly ttftMs: readonly number[];
  readonly e2eMs: readonly number[];
  /** 1: ok. */
  readonly ok: readonly number[];
  readonly attempts: readonly number[];
  readonly oneIn: number;
}

export interface FaultBand {
  readonly from: number;
  /** Null: to the end. */
  readonly to: number | null;
  readonly label: string;
}

export interface PageData {
  readonly runs: readonly RunData[];
  readonly faults: readonly FaultBand[];
}
