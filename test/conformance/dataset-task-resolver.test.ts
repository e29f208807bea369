/**
 * What upstream DataDesigner resolved (dataset/task_resolver.jsonl.gz of the folder SPILLWAY_VECTORS, default
 * ../shared/vectors) against `planOf`, `requestLimitsOf` and `stableTaskId`, line by line.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import {
  planOf,
  requestLimitsOf,
  type ResolverSettings,
  stableTaskId,
  type TaskType,
} from '../../policies/task/resolver.ts';
import { boundedBorrow } from '../../policies/task/task-scheduling.ts';
import { type GeneratorKind, type GeneratorView, LLM_WAIT, type Needs } from '../../policies/task/types.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const folder = resolve(ROOT, process.env['SPILLWAY_VECTORS'] ?? '../shared/vectors');
const path = join(folder, 'dataset/task_resolver.jsonl.gz');
const present = existsSync(path);

interface ColumnRecord {
  readonly metadata: { readonly kind: string; readonly identity: readonly string[]; readonly weight: number };
  readonly flow_identity: readonly string[];
  readonly [field: string]: unknown;
}
interface ResolverLine {
  readonly type: 'resolver';
  readonly variant: string;
  readonly id: number;
  readonly model_group_limit_multiplier: number;
  readonly model_group_limit_cap: number;
  readonly columns: Readonly<Record<string, ColumnRecord>>;
  readonly request_resource_limits: Readonly<Record<string, number>>;
}
interface TaskIdLine {
  readonly type: 'stable_task_id';
  readonly variant: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly [string, number, number | null, string, string])[];
}

const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  all: ['head', 'fixed', 'baseline'],
  'head,fixed': ['head', 'fixed'],
  baseline: ['baseline'],
};

describe.skipIf(!present)(`task resolver vectors${present ? '' : ` (skipped: no ${path})`}`, () => {
  const text = present ? gunzipSync(readFileSync(path)).toString('utf8') : '';
  const lines = text.split('\n').filter((line) => line !== '');
  const counts = { lines: 0, plans: 0, ids: 0 };

  for (const [i, line] of lines.entries()) {
    const record = JSON.parse(line) as ResolverLine | TaskIdLine;
    const variants = VARIANTS[record.variant];
    it(`line ${i + 1}: ${record.type} of ${record.variant} is upstream's`, () => {
      if (variants === undefined) expect.fail(`unknown variant ${record.variant}`);
      if (record.type === 'stable_task_id') compareIds(record);
      else if (record.type === 'resolver') for (const variant of variants) compareResolver(record, variant);
      else expect.fail(`unknown type of line ${(record as { type: string }).type}`);
      counts.lines++;
    });
  }

  function compareIds({ columns, rows }: TaskIdLine): void {
    expect(columns).toEqual(['column', 'row_group', 'row_index', 'task_type', 'task_id']);
    for (const [column, rowGroup, row, type, id] of rows) {
      const mine = stableTaskId(column, rowGroup, row ?? undefined, type.replace('_', '-') as TaskType);
      expect(mine, `${column} ${rowGroup} ${row} ${type}`).toBe(id);
      counts.ids++;
    }
  }

  function compareResolver(record: ResolverLine, variant: string): void {
    const settings = settingsOf(record, variant);
    const generators = Object.values(record.columns).map(generatorOf);
    const theirs: Record<string, unknown> = {};
    const mine: Record<string, unknown> = {};
    for (const [name, column] of Object.entries(record.columns)) {
      theirs[name] = column;
      mine[name] = { ...pickInputs(column), ...rowOf(generatorOf(column), settings) };
      counts.plans++;
    }
    expect(mine).toEqual(theirs);
    expect(amounts(requestLimitsOf(generators, settings))).toEqual(record.request_resource_limits);
  }

  it('compares plans and task ids', () => {
    expect(counts.plans * counts.ids).toBeGreaterThan(0);
  });

  afterAll(() => {
    console.log(
      `task resolver vectors: ${counts.lines} of ${lines.length} lines compared, 0 left out: ` +
        `${counts.plans} plans over the variants, ${counts.ids} task ids`,
    );
  });
});

function settingsOf(record: ResolverLine, variant: string): ResolverSettings {
  const settings = boundedBorrow.config.parse({ name: 'bounded-borrow', ...boundedBorrow.variants[variant] });
  return { ...settings, groupBacklog: record.model_group_limit_multiplier, llmWait: record.model_group_limit_cap };
}

/** The record's identity begins with the kind, here it does not. */
function generatorOf({ metadata, flow_identity }: ColumnRecord): GeneratorView {
  const { kind, identity, weight } = metadata;
  expect(identity[0]).toBe(kind);
  const named = kind.replaceAll('_', '-') as GeneratorKind;
  return { kind: named, identity: identity.slice(1), weight, columns: flow_identity };
}

function pickInputs({ metadata, flow_identity }: ColumnRecord) {
  return { metadata, flow_identity };
}

function rowOf(generator: GeneratorView, settings: ResolverSettings) {
  const { group, needs, calls } = planOf(generator, settings);
  const [kind, ...identity] = group.key.split('/').map(decodeURIComponent).map((part) => part.replaceAll('-', '_'));
  return {
    group_kind: kind,
    group_identity: [kind, ...identity],
    group_weight: group.weight,
    admitted_limit: group.admittedLimit === Infinity ? null : group.admittedLimit,
    resource_request: amounts(needs),
    request_resource: calls === undefined ? null : [calls.provider, calls.model, calls.domain],
  };
}

function amounts(needs: Needs) {
  const named = (resource: string) => (resource === LLM_WAIT ? 'llm_wait' : resource);
  return Object.fromEntries(Array.from(needs, ([resource, amount]) => [named(resource), amount]));
}
