/**
 * The lines of a journal: what enters a live gateway and what it does, one JSON value a line. The first line says what
 * the core was made of; prompts are there as lengths and keyed hashes, and as text in lines of their own where that was
 * asked for, which no replay needs.
 */
import { z } from 'zod';
import type { BusyThresholds } from '../../../policies/busy/monitor.ts';
import type { AttemptResult, FinishCause, FinishReason, LoadReport } from '../../../policies/types.ts';
import type { Attempt, RequestInit } from '../../gateway/request.ts';
import type { GatewayInput } from '../core/input.ts';

export const JOURNAL_FORMAT = 2;

const journalHeadSchema = z.strictObject({
  spillwayJournal: z.literal(JOURNAL_FORMAT),
  /** Root of the policies' draws; it is the same in all segments of one run. */
  seed: z.string(),
  /** From 0. */
  segment: z.int().min(0),
  retrySent: z.boolean(),
  /** The `policies:` block as it was written. */
  policies: z.unknown(),
  /** State at the beginning of a segment after the first, as `stateText` writes it; null: it cannot be told. */
  snapshot: z.unknown(),
  /** Roles whose policies cannot tell theirs. */
  missing: z.array(z.string()),
});
export type JournalHead = z.output<typeof journalHeadSchema>;

/** Why a journal ends before its process did. */
export type JournalEnd = 'slow-disk' | 'error';

const OUTCOMES = ['ok', 'refused', 'failed', 'timeout', 'cancelled'] as const;
const STATUSES = ['pending', 'ready', 'not-ready', 'failed', 'draining'] as const;
const THRESHOLDS = ['kvUsedRatioMax', 'decodeRatioMax', 'prefillTokensMax', 'prefillBatchesMax'] as const;

const micros = z.number();
const index = z.int().min(0);
const flag = z.union([z.literal(0), z.literal(1)]);

/** One schema for each kind of line; the first item names it. */
const lineSchema = z.union([
  z.tuple([
    z.literal('arrive'),
    micros,
    index,
    z.string().describe('tenant'),
    z.number().describe('promptTokens'),
    z.number().describe('maxOutputTokens'),
    z.number().describe('prefixKey'),
    z.array(z.number()).describe('blockHashes'),
    z.number().describe('blockTokens'),
    z.number().describe('priority'),
    z.string().describe('routingKey'),
    z.string().describe('targetWorker'),
  ]),
  z.tuple([z.literal('first'), micros, index]),
  z.tuple([z.literal('end'), micros, index, z.enum(OUTCOMES), z.number(), z.number(), flag, z.number()]),
  z.tuple([z.literal('abandon'), micros, index]),
  z.tuple([z.literal('wake'), micros]),
  z.tuple([z.literal('discovered'), micros, z.array(index), z.array(z.string())]),
  z.tuple([z.literal('configured'), micros, index, index]),
  z.tuple([z.literal('status'), micros, index, z.enum(STATUSES)]),
  z.tuple([z.literal('report'), micros, index, index, z.array(z.number()).min(9).max(10)]),
  z.tuple([
    z.literal('thresholds'),
    micros,
    z.partialRecord(z.enum(THRESHOLDS), z.union([z.number(), z.literal('none')])),
  ]),
  z.tuple([z.literal('policies'), micros, z.unknown(), z.boolean()]),
  z.tuple([z.literal('>start'), index, index, index]),
  z.tuple([z.literal('>cancel'), index]),
  z.tuple([z.literal('>finish'), index, z.string(), z.string()]),
  z.tuple([z.literal('prompt'), index, z.number().positive().describe('bytesPerToken'), z.array(z.string())]),
  z.tuple([z.literal('over'), z.enum(['slow-disk', 'error'])]),
]);
export type JournalLine = z.output<typeof lineSchema>;
export type InputLine = Exclude<
  JournalLine,
  readonly ['>start' | '>cancel' | '>finish' | 'prompt' | 'over', ...unknown[]]
>;
export type PromptLine = Extract<JournalLine, readonly ['prompt', ...unknown[]]>;
export type EffectLine = Extract<JournalLine, readonly ['>start' | '>cancel' | '>finish', ...unknown[]]>;

/** The head in `text`, or undefined when there is none. */
export function parseHead(text: string): JournalHead | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return journalHeadSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The line in `text`, or undefined when there is none. */
export function parseLine(text: string): JournalLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = lineSchema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

export function inputLine<Init extends RequestInit>(now: number, input: GatewayInput<Init>): InputLine {
  switch (input.kind) {
    case 'arrive':
      return arriveLine(now, input.request);
    case 'first-token':
      return ['first', now, input.attempt.id];
    case 'end': {
      const { outcome, status, retryAfterUs, bytesSent, usedTokens } = input.result;
      return ['end', now, input.attempt.id, outcome, status, retryAfterUs, bytesSent ? 1 : 0, usedTokens ?? -1];
    }
    case 'abandon':
      return ['abandon', now, input.request];
    case 'wake':
      return ['wake', now];
    case 'discovered':
      return ['discovered', now, [...input.workers], [...input.names]];
    case 'configured':
      return ['configured', now, input.worker, input.ranks];
    case 'status':
      return ['status', now, input.worker, input.status];
    case 'report':
      return ['report', now, input.worker, input.rank, reportNumbers(input.report)];
    case 'thresholds':
      return ['thresholds', now, writtenThresholds(input.changes)];
    case 'policies':
      return ['policies', now, input.next.written, input.next.retrySent];
    default:
      return input satisfies never;
  }
}

function arriveLine(now: number, request: RequestInit): InputLine {
  const { id, tenant, promptTokens, maxOutputTokens, prefixKey, blockHashes, blockTokens } = request;
  const { priority, routingKey, targetWorker } = request;
  const hashes = [...blockHashes];
  return [
    ...(['arrive', now, id, tenant, promptTokens, maxOutputTokens, prefixKey, hashes, blockTokens] as const),
    ...([priority, routingKey, targetWorker] as const),
  ];
}

/** What a client wrote. */
export interface JournalPrompt {
  /** Texts in order, roles included. */
  readonly texts: readonly string[];
  /** Of the estimate of its length. */
  readonly bytesPerToken: number;
}

/** As much of a request's prompt as `bytesMax` bytes of UTF-8 hold, cut between two characters. */
export function promptLine(request: number, { texts, bytesPerToken }: JournalPrompt, bytesMax: number): PromptLine {
  const kept: string[] = [];
  let left = bytesMax;
  for (const text of texts) {
    if (left <= 0) break;
    const whole = Buffer.byteLength(text) <= left;
    const part = whole ? text : cutText(text, left);
    kept.push(part);
    left -= whole ? Buffer.byteLength(text) : left;
  }
  return ['prompt', request, bytesPerToken, kept];
}

/** The first characters that fit into so many bytes. */
function cutText(text: string, bytes: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(bytes));
  return text.slice(0, read);
}

export function startLine(attempt: Attempt): EffectLine {
  return ['>start', attempt.id, attempt.request.id, attempt.worker.index];
}

export function cancelLine(attempt: Attempt): EffectLine {
  return ['>cancel', attempt.id];
}

export function finishLine(request: number, reason: FinishReason, cause: FinishCause): EffectLine {
  return ['>finish', request, reason, cause];
}

/** The request of an `arrive` line. */
export function requestOf(line: Extract<JournalLine, readonly ['arrive', ...unknown[]]>): RequestInit {
  const [, , id, tenant, promptTokens, maxOutputTokens, prefixKey, blockHashes, ...rest] = line;
  const [blockTokens, priority, routingKey, targetWorker] = rest;
  const prompt = { promptTokens, maxOutputTokens, prefixKey, blockHashes, blockTokens };
  return { id, tenant, ...prompt, priority, routingKey, targetWorker };
}

/** The result of an `end` line. */
export function resultOf(line: Extract<JournalLine, readonly ['end', ...unknown[]]>): AttemptResult {
  const [, , , outcome, status, retryAfterUs, bytesSent, usedTokens] = line;
  const result = { outcome, status, retryAfterUs, bytesSent: bytesSent === 1 };
  return usedTokens < 0 ? result : { ...result, usedTokens };
}

function reportNumbers(report: LoadReport): number[] {
  const { running, waiting, kvUsedBlocks, kvTotalBlocks, decodeBlocks } = report;
  const { prefillTokens, maxBatchedTokens, maxRunning, generatedTokensPerSec, stampedAt } = report;
  const pool = [running, waiting, kvUsedBlocks, kvTotalBlocks, decodeBlocks];
  const rest = [prefillTokens, maxBatchedTokens, maxRunning, generatedTokensPerSec];
  return stampedAt === undefined ? [...pool, ...rest] : [...pool, ...rest, stampedAt];
}

/** The report of a `report` line. */
export function reportOf(numbers: readonly number[]): LoadReport {
  const at = (place: number): number => numbers[place] as number;
  const report = {
    running: at(0),
    waiting: at(1),
    kvUsedBlocks: at(2),
    kvTotalBlocks: at(3),
    decodeBlocks: at(4),
    prefillTokens: at(5),
    maxBatchedTokens: at(6),
    maxRunning: at(7),
    generatedTokensPerSec: at(8),
  };
  return numbers.length > 9 ? { ...report, stampedAt: at(9) } : report;
}

type WrittenThresholds = Partial<Record<keyof BusyThresholds, number | 'none'>>;

export function writtenThresholds(thresholds: Partial<BusyThresholds>): WrittenThresholds {
  const entries = Object.entries(thresholds).map(([name, value]) => [name, value === Infinity ? 'none' : value]);
  return Object.fromEntries(entries) as WrittenThresholds;
}

export function readThresholds(written: WrittenThresholds): Partial<BusyThresholds> {
  const entries = Object.entries(written).map(([name, value]) => [name, value === 'none' ? Infinity : value]);
  return Object.fromEntries(entries) as Partial<BusyThresholds>;
}
