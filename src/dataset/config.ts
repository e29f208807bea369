/** The shape of a batch to generate. */
import type { Distribution } from '../kernel/distribution.ts';

/** Rows × columns to be generated, each cell by one call. */
export interface DatasetConfig {
  readonly rows: number;
  /** Column names in order; independent of each other. */
  readonly columns: readonly string[];
  /** Task leases: cells started and not finished. */
  readonly maxInFlight: number;
  readonly promptTokens: Distribution;
  readonly outputTokens: Distribution;
}
