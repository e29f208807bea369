/**
 * Which format a trace has, told by its first line: a JSON object with `at_us` is our own, any other Mooncake's,
 * Azure's header Azure's, else CSV.
 */
import type { TraceWorkloadConfig } from '../config.ts';
import type { Fault } from '../trace-error.ts';
import { AZURE_COLUMNS, isAzureHeader } from './azure.ts';
import { CsvFormat, DEFAULT_CSV_COLUMNS } from './csv.ts';
import { MooncakeFormat } from './mooncake.ts';
import { SpillwayFormat } from './spillway.ts';
import type { TraceFormat } from './trace-row.ts';

export interface DetectedFormat {
  readonly format: TraceFormat;
  /** The first line is a row, not a header. */
  readonly headless: boolean;
}

/** Columns that the scenario names outrank Azure's when `config.format` is 'auto'. */
export function detectFormat(config: TraceWorkloadConfig, firstLine: string, fault: Fault): DetectedFormat {
  const auto = config.format === 'auto';
  if (config.format === 'spillway' || (auto && SpillwayFormat.isFirstLine(firstLine))) {
    return { format: new SpillwayFormat(fault), headless: true };
  }
  if (config.format === 'mooncake' || (auto && firstLine.trimStart().startsWith('{'))) {
    return { format: new MooncakeFormat(fault), headless: true };
  }
  const unnamed = auto && config.columns === undefined;
  const azure = config.format === 'azure' || (unnamed && isAzureHeader(firstLine));
  const columns = azure ? AZURE_COLUMNS : (config.columns ?? DEFAULT_CSV_COLUMNS);
  return { format: new CsvFormat(firstLine, columns, fault), headless: false };
}
