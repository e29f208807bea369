/**
 * The folder of `--out`: `result.json`, `report.md`, `report.html`, `trace.json.gz`, `requests.jsonl` and
 * `requests.csv` of one run.
 * An interrupted run leaves its records and takes away an older run's result, so that a folder never mixes two runs;
 * a failed one leaves the folder as it was.
 */
import { mkdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UsageError } from './usage-error.ts';
import { RecordFiles } from './record-files.ts';
import { writeError, writeWhole } from './write-files.ts';

const RESULT = 'result.json';
const REPORT = 'report.md';
const PAGE = 'report.html';
const TRACE = 'trace.json.gz';

/**
 * Refuses a path under which no folder can be: it, or something above it, is a file. Throws UsageError;
 * writes nothing.
 */
export function checkOutputPath(path: string): void {
  for (let here = resolve(path); ; here = dirname(here)) {
    const found = kindOf(here);
    if (found === 'folder' || here === dirname(here)) return;
    if (found === 'missing') continue;
    throw new UsageError(`--out: value ${JSON.stringify(path)}: ${here} is a file; allowed a folder`);
  }
}

function kindOf(path: string): 'folder' | 'file' | 'missing' {
  try {
    return statSync(path).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'missing';
    throw writeError(path, error);
  }
}

/** What is written of one run, or of several together. */
export interface FolderDocuments {
  readonly json: string;
  readonly report: string;
  /** HTML; undefined: its script has not been built. */
  readonly page: string | undefined;
  /** For ui.perfetto.dev, compressed; undefined of several runs together. */
  readonly trace: Uint8Array | undefined;
}

export class OutputFolder {
  readonly path: string;
  /** Folders made for this one, innermost last. */
  readonly #made: readonly string[];
  #records: RecordFiles | undefined;

  /** Makes the folder. Throws UsageError. */
  constructor(path: string) {
    this.path = path;
    this.#made = makeFolder(path);
  }

  /** Opens the streams of per-request records. Throws UsageError. */
  openRecords(): RecordFiles {
    this.#records = new RecordFiles(this.path);
    return this.#records;
  }

  /** The run ended: its records get their name, and its documents are written. Throws UsageError. */
  finish({ json, report, page, trace }: FolderDocuments): void {
    this.#records?.finish();
    writeWhole(join(this.path, RESULT), json);
    writeWhole(join(this.path, REPORT), report);
    if (page !== undefined) writeWhole(join(this.path, PAGE), page);
    if (trace !== undefined) writeWhole(join(this.path, TRACE), trace);
  }

  /** The run was interrupted: what was streamed stays. */
  interrupted(): void {
    this.#records?.finish();
    for (const name of [RESULT, REPORT, PAGE, TRACE]) rmSync(join(this.path, name), { force: true });
  }

  /** The run failed: nothing of it stays. Does nothing to a finished run. */
  discard(): void {
    this.#records?.discard();
    for (const folder of [...this.#made].reverse()) {
      try {
        rmdirSync(folder);
      } catch {
        // Something else is in it: it stays.
        return;
      }
    }
  }
}

function makeFolder(path: string): string[] {
  const missing: string[] = [];
  for (let here = resolve(path); kindOf(here) === 'missing'; here = dirname(here)) missing.unshift(here);
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw writeError(path, error);
  }
  return missing;
}
