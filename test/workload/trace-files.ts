/** Trace files for tests: written to a temporary folder that goes when the test file is done. */
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { Arrival } from '../../src/workload/arrival.ts';
import type { TraceWorkloadConfig } from '../../src/workload/config.ts';
import { openTrace } from '../../src/workload/trace.ts';
import type { TraceWorkload } from '../../src/workload/trace.ts';

const folder = mkdtempSync(join(tmpdir(), 'spillway-trace-'));
let files = 0;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

export const CSV_HEADER = 'arrived_at_s,prompt_tokens,output_tokens\n';

export function missingPath(): string {
  return join(folder, 'missing.csv');
}

export function written(content: string | Uint8Array): string {
  const path = join(folder, `trace-${files++}`);
  writeFileSync(path, content);
  return path;
}

export function traceConfig(path: string, over: Partial<TraceWorkloadConfig> = {}): TraceWorkloadConfig {
  return { kind: 'trace', path, format: 'auto', speed: 1, requests: Infinity, ...over };
}

/** Takes everything, refilling whenever starved. */
export async function drained(trace: TraceWorkload): Promise<Arrival[]> {
  const arrivals: Arrival[] = [];
  while (!trace.ended()) {
    if (trace.starved()) await trace.refill();
    else arrivals.push(trace.take());
  }
  return arrivals;
}

export async function readTrace(
  path: string,
  over: Partial<TraceWorkloadConfig> = {},
  chunkBytes?: number,
): Promise<Arrival[]> {
  return drained(await openTrace(traceConfig(path, over), chunkBytes));
}

/** The message of the error that reading `content` ends with; '' when it is read to its end. */
export async function complaint(
  content: string | Uint8Array,
  over: Partial<TraceWorkloadConfig> = {},
  chunkBytes?: number,
): Promise<string> {
  const path = written(content);
  return complaintOf(path, over, chunkBytes);
}

export async function complaintOf(
  path: string,
  over: Partial<TraceWorkloadConfig> = {},
  chunkBytes?: number,
): Promise<string> {
  try {
    await readTrace(path, over, chunkBytes);
    return '';
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'TraceError') throw error;
    return error.message.replace(path, 'FILE');
  }
}

/** Handles this process holds on `path`; told by Linux alone, elsewhere 0. */
export function handlesOn(path: string): number {
  if (process.platform !== 'linux') return 0;
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false;
    }
  }).length;
}
