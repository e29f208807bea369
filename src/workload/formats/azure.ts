/**
 * Azure's LLM inference traces of 2023 (AzurePublicDataset, CC-BY 4.0; Splitwise, ISCA 2024) and those of
 * 2024: CSV with a wall clock of 100 ns digits, prompt and output lengths. No tenants, no prefix identity.
 */
import type { CsvColumns } from '../config.ts';

export const AZURE_COLUMNS: CsvColumns = {
  arrival: 'TIMESTAMP',
  arrivalUnit: 'timestamp',
  prompt: 'ContextTokens',
  output: 'GeneratedTokens',
};

/** Whether a trace's first line is the header of an Azure trace. */
export function isAzureHeader(line: string): boolean {
  const names = line.split(',').map((name) => name.trim());
  const { arrival, prompt, output } = AZURE_COLUMNS;
  return [arrival, prompt, output].every((column) => names.includes(column));
}
