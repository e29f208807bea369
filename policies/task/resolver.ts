/**
 * Decides what a generator's tasks need and which group they wait in. Every task takes a submission; one that calls
 * a model takes an llm-wait too, and by default one place of its endpoint, whose limit is what the least generous of
 * its generators allows. Each set of columns is a group of its own, weighted by the calls its endpoint allows in
 * parallel and bounded to `groupBacklog` times as many, so that a fast column cannot fill the scheduler ahead of the
 * others.
 *
 * Intuition of the endpoint's place: with it, tasks wait in the task queue, where nothing expires; without, they are
 * started only to wait in request admission until they time out. Limits: the endpoint's place knows no domain, so
 * chat and embedding calls of one model share it; a custom model's calls are unknown and take none.
 *
 * Source: DataDesigner scheduling/resolver.py, resources.py 99517abc; before pull 730 (`requestLimits: none`) there
 * was no place of the endpoint. We differ: slashes in names are escaped, so two endpoints never share a key by their
 * spelling.
 */
import { sha1 } from '@noble/hashes/legacy.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { assert } from '../../src/kernel/assert.ts';
import type { RequestDomain, Resource } from '../admission/types.ts';
import type { TaskConfig } from './config.ts';
import { type GeneratorView, LLM_WAIT, type Needs, SUBMISSION, type TaskPlan } from './types.ts';

const DOMAINS: readonly string[] = ['chat', 'embedding', 'image', 'healthcheck'] satisfies RequestDomain[];
const ID_DIGITS = 16;

export type ResolverSettings = Pick<TaskConfig, 'groupBacklog' | 'llmWait' | 'requestLimits'>;

/** What the generator's tasks need, and where they wait. */
export function planOf(generator: GeneratorView, settings: ResolverSettings): TaskPlan {
  const { kind, identity, weight, columns } = generator;
  assert(weight >= 1, 'a generator allows at least one call at once');
  const key = keyOf(kind, ...identity, ...columns);
  const needs = new Map([[SUBMISSION, 1]]);
  if (kind === 'local') return { group: { key, weight, admittedLimit: Infinity }, needs, calls: undefined };
  needs.set(LLM_WAIT, 1);
  const calls = callsOf(generator);
  if (calls !== undefined && settings.requestLimits === 'per-endpoint') needs.set(requestKey(calls), 1);
  const admittedLimit = Math.max(1, Math.min(settings.llmWait, Math.floor(settings.groupBacklog * weight)));
  return { group: { key, weight, admittedLimit }, needs, calls };
}

/** Places of each endpoint that the generators call, by resource. */
export function requestLimitsOf(generators: readonly GeneratorView[], settings: ResolverSettings): Needs {
  const limits = new Map<string, number>();
  if (settings.requestLimits === 'none') return limits;
  for (const generator of generators) {
    const calls = callsOf(generator);
    if (calls === undefined) continue;
    const key = requestKey(calls);
    limits.set(key, Math.min(limits.get(key) ?? Infinity, Math.max(1, generator.weight)));
  }
  return limits;
}

/** The resource of an endpoint's places. */
export function requestKey({ provider, model }: Pick<Resource, 'provider' | 'model'>): string {
  return `request:${keyOf(provider, model)}`;
}

export type TaskType = 'cell' | 'batch' | 'from-scratch';

/** A task's name, the same in every run: `row` undefined is a task of its whole row group. */
export function stableTaskId(column: string, rowGroup: number, row: number | undefined, type: TaskType): string {
  const text = [column, rowGroup, row ?? 'None', type.replace('-', '_')].join('\0');
  return `task-${bytesToHex(sha1(utf8ToBytes(text))).slice(0, ID_DIGITS)}`;
}

/** What request admission will be asked for; undefined unless the generator calls a model in a way it knows. */
function callsOf({ kind, identity }: GeneratorView): Resource | undefined {
  const [provider, model, domain] = identity;
  if (kind !== 'model' || provider === undefined || model === undefined || domain === undefined) return undefined;
  return DOMAINS.includes(domain) ? { provider, model, domain: domain as RequestDomain } : undefined;
}

function keyOf(...parts: readonly string[]): string {
  return parts.map((part) => part.replaceAll(/[%/]/g, encodeURIComponent)).join('/');
}
