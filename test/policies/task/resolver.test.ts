import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { planOf, requestKey, requestLimitsOf, stableTaskId } from '../../../policies/task/resolver.ts';
import type { GeneratorView } from '../../../policies/task/types.ts';
import { borrowConfig } from './tasks.ts';

const settings = borrowConfig('head');
const generator = (fields: Partial<GeneratorView>): GeneratorView => {
  return { kind: 'model', identity: ['p', 'm', 'chat'], weight: 4, columns: ['c'], ...fields };
};

describe('planOf', () => {
  it.each<[string, Partial<GeneratorView>, object, number]>([
    ['a model', {}, { submission: 1, 'llm-wait': 1, 'request:p/m': 1 }, 8],
    ['a model of unknown calls', { identity: ['p', 'm', 'audio'] }, { submission: 1, 'llm-wait': 1 }, 8],
    ['a model without a domain', { identity: ['p', 'm'] }, { submission: 1, 'llm-wait': 1 }, 8],
    ['a model without a name', { identity: ['p'] }, { submission: 1, 'llm-wait': 1 }, 8],
    ['a model that draws', { identity: ['p', 'm', 'image'] }, { submission: 1, 'llm-wait': 1, 'request:p/m': 1 }, 8],
    ['a health check', { identity: ['p', 'm', 'healthcheck'] }, { submission: 1, 'llm-wait': 1, 'request:p/m': 1 }, 8],
    ['a custom model', { kind: 'custom-model' }, { submission: 1, 'llm-wait': 1 }, 8],
    ['a local generator', { kind: 'local' }, { submission: 1 }, Infinity],
    ['a model beyond all slots', { weight: 600 }, { submission: 1, 'llm-wait': 1, 'request:p/m': 1 }, 1024],
  ])('knows what %s needs, and how many run', (_, fields, needs, admittedLimit) => {
    const { needs: given, group } = planOf(generator(fields), settings);
    expect([Object.fromEntries(given), group.admittedLimit]).toEqual([needs, admittedLimit]);
  });

  it('makes each set of columns a group of its own', () => {
    const keys = [['c'], ['d'], ['c', 'd']].map((columns) => planOf(generator({ columns }), settings).group.key);
    expect(keys).toEqual(['model/p/m/chat/c', 'model/p/m/chat/d', 'model/p/m/chat/c/d']);
  });

  it('keeps names with slashes apart', () => {
    expect(requestKey({ provider: 'a', model: 'b/c' })).toBe('request:a/b%2Fc');
    expect(requestKey({ provider: 'a/b', model: 'c' })).toBe('request:a%2Fb/c');
  });
});

describe('requestLimitsOf', () => {
  it('bounds an endpoint by the least generous of its generators, over all domains', () => {
    const generators = [generator({ weight: 8 }), generator({ weight: 3, identity: ['p', 'm', 'embedding'] })];
    expect(Object.fromEntries(requestLimitsOf(generators, settings))).toEqual({ 'request:p/m': 3 });
  });

  it('passes over generators that call no known model', () => {
    const [local, audio] = [generator({ kind: 'local', weight: 1 }), generator({ identity: ['p', 'm', 'audio'] })];
    const limits = requestLimitsOf([local, audio, generator({ weight: 0.5 })], settings);
    expect(Object.fromEntries(limits)).toEqual({ 'request:p/m': 1 });
    expect(() => planOf(generator({ weight: 0.5 }), settings)).toThrow('at least one call');
  });

  it('bounds nothing as before pull 730', () => {
    expect(requestLimitsOf([generator({})], borrowConfig('baseline')).size).toBe(0);
    expect(planOf(generator({}), borrowConfig('baseline')).needs.has('request:p/m')).toBe(false);
  });
});

describe('stableTaskId', () => {
  it('tells every part of a task apart', () => {
    const ids = [
      stableTaskId('c', 0, 1, 'cell'),
      stableTaskId('c', 1, 0, 'cell'),
      stableTaskId('c', 0, undefined, 'cell'),
      stableTaskId('c', 0, undefined, 'batch'),
      stableTaskId('c', 0, undefined, 'from-scratch'),
      stableTaskId('d', 0, 1, 'cell'),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^task-[0-9a-f]{16}$/);
  });

  it('is upstream’s: the digest of column, row group, row or None, and type, with zero bytes between', () => {
    const digest = (text: string) => createHash('sha1').update(text, 'utf8').digest('hex').slice(0, 16);
    expect(stableTaskId('c', 2, 0, 'cell')).toBe(`task-${digest('c\x002\x000\x00cell')}`);
    expect(stableTaskId('c', 2, undefined, 'from-scratch')).toBe(`task-${digest('c\x002\x00None\x00from_scratch')}`);
  });
});
