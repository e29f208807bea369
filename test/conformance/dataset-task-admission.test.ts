/**
 * What upstream DataDesigner did (dataset/task_admission.jsonl.gz of the folder SPILLWAY_VECTORS, default
 * ../shared/vectors) against queue, admission and share rules, op by op: answers with their diagnostics, and the
 * whole state.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { readSequences, type Sequence, type State } from './groups/task-admission-records.ts';
import { type ReplayVariant, TaskReplay } from './groups/task-admission-replay.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const folder = resolve(ROOT, process.env['SPILLWAY_VECTORS'] ?? '../shared/vectors');
const path = join(folder, 'dataset/task_admission.jsonl.gz');
const present = existsSync(path);
const HEAD: ReplayVariant = { emptiedGroup: 'leaves', reserveMin: 0 };
const FIXED: ReplayVariant = { emptiedGroup: 'stays', reserveMin: 1 };
const CLASSES = new Set(['strict', 'bounded', 'mixed', 'solo', 'no_request']);
const LEFT_OUT = new Map([['lazy_discard', 'discarding is eager: an id enqueued again starts at the back']]);
const KEYS = [
  ...['available', 'leased_by_group', 'running', 'debt', 'queued', 'demand', 'heads', 'order', 'leak_counters'],
  'virtual_time',
];

describe.skipIf(!present)(`task admission vectors${present ? '' : ` (skipped: no ${path})`}`, () => {
  const sequences = present ? readSequences(gunzipSync(readFileSync(path)).toString('utf8')) : [];
  const counts = { sequences: 0, ops: 0, answers: 0, states: 0, dispatched: 0, opsOfFixed: 0 };

  for (const name of new Set(sequences.map(({ head }) => head.class))) {
    const ofClass = sequences.filter(({ head }) => head.class === name);
    const reason = LEFT_OUT.get(name);
    if (reason !== undefined) {
      it.skip(`${name}: left out, ${reason} (${ofClass.length} sequences)`, () => {});
      continue;
    }
    it(`${name}: answers as upstream (${ofClass.length} sequences)`, () => {
      if (!CLASSES.has(name)) expect.fail(`task_admission.jsonl.gz has an unknown class: ${name}`);
      for (const sequence of ofClass) replay(sequence);
    });
  }

  function replay({ head, ops, end }: Sequence): void {
    const mine = new TaskReplay(head, HEAD);
    let recorded: State = {};
    for (const { i, op, result, state_changes } of ops) {
      const where = `sequence ${head.seq} op ${i} ${JSON.stringify(op)}`;
      same(`${where}: result`, result, mine.apply(op));
      recorded = { ...recorded, ...state_changes };
      same(`${where}: state`, visible(recorded), mine.state());
      counts.ops++;
      if (result !== undefined) counts.answers++;
      if (op.kind === 'dispatch') counts.dispatched += (result as { dispatched: unknown[] }).dispatched.length;
      counts.states++;
    }
    const ended = { ops: ops.length, state: mine.state() };
    same(`sequence ${head.seq}: end`, { ops: end.n_ops, state: visible(end.final_state) }, ended);
    counts.sequences++;
  }

  it('fixed: answers as upstream where a sequence sets a reserve, until a discard empties a group', () => {
    for (const sequence of sequences) {
      const reserve = sequence.head.bounded_borrow?.dynamic_borrow_reserve_fraction ?? 0;
      if (reserve > 0 && CLASSES.has(sequence.head.class)) replayFixed(sequence);
    }
    if (sequences.length > 0) expect(counts.opsOfFixed).toBeGreaterThan(0);
  });

  function replayFixed({ head, ops }: Sequence): void {
    const mine = new TaskReplay(head, FIXED);
    let recorded: State = {};
    for (const { i, op, result, state_changes } of ops) {
      const groups = Object.keys((recorded['queued'] as State | undefined) ?? {}).length;
      recorded = { ...recorded, ...state_changes };
      if (Object.keys(recorded['queued'] as State).length < groups && op.kind.startsWith('discard')) return;
      same(`fixed: sequence ${head.seq} op ${i}: result`, result, mine.apply(op));
      same(`fixed: sequence ${head.seq} op ${i}: state`, visible(recorded), mine.state());
      counts.opsOfFixed++;
    }
  }

  it('compares dispatches and states', () => {
    expect(counts.sequences * counts.dispatched * counts.states).toBeGreaterThan(0);
  });

  afterAll(() => {
    const leftOut = sequences.filter(({ head }) => LEFT_OUT.has(head.class)).length;
    console.log(
      `task admission vectors: ${counts.sequences} of ${sequences.length} sequences compared, ${leftOut} left out ` +
        `(${[...LEFT_OUT].map(([name, reason]) => `${name}: ${reason}`).join('; ')}): ${counts.ops} ops, ` +
        `${counts.answers} answers, ${counts.dispatched} dispatches, ${counts.states} states ` +
        `(in them finish tags and virtual time left out: the fair queue shows the order, not the tags); ` +
        `${counts.opsOfFixed} ops once more as fixed`,
    );
  });
});

/** What can be seen here, in one form: an empty object of a group that holds nothing is left out. */
function visible(state: State): State {
  for (const key of Object.keys(state)) if (!KEYS.includes(key)) expect.fail(`unknown state ${key}`);
  const { virtual_time: _, order, leased_by_group, debt, ...rest } = state;
  const leased = Object.entries(leased_by_group as Readonly<Record<string, State>>);
  return {
    ...rest,
    order: (order as readonly (readonly [tag: number, group: number])[]).map(([, group]) => group),
    leased_by_group: Object.fromEntries(leased.filter(([, amounts]) => Object.keys(amounts).length > 0)),
    debt,
  };
}

function same(where: string, theirs: unknown, mine: unknown): void {
  if (!isDeepStrictEqual(mine, theirs)) expect(mine, where).toEqual(theirs);
}
