import { describe, expect, it } from 'vitest';
import { requestAdmission } from '../../../policies/admission/request-admission.ts';

const parse = (fields: Record<string, unknown>) => requestAdmission.config.safeParse({ name: 'aimd', ...fields });

describe('requestAdmission', () => {
  it('has a default for every field, durations in microseconds', () => {
    expect(requestAdmission.config.parse({ name: 'aimd' })).toEqual({
      name: 'aimd',
      cooldown: 2_000_000,
      decreaseRatio: 0.75,
      increaseStep: 1,
      increaseAfter: 25,
      startupRamp: 0,
      waitTimeout: 60_000_000,
      retryAfterMax: 60_000_000,
      cooldownEnd: 'later',
      emptiedGroup: 'leaves',
      ceiling: 'until-recovered',
      newcomers: 'behind-endpoint',
      stateBegins: 'first-request',
      releasedHistory: 8192,
      resources: [],
    });
  });

  it.each([
    [{ cooldown: '0s' }, 'cooldown'],
    [{ cooldown: 2 }, 'cooldown'],
    [{ decreaseRatio: 1 }, 'decreaseRatio'],
    [{ decreaseRatio: 0 }, 'decreaseRatio'],
    [{ increaseStep: 0 }, 'increaseStep'],
    [{ increaseAfter: 1.5 }, 'increaseAfter'],
    [{ waitTimeout: '0s' }, 'waitTimeout'],
    [{ newcomers: 'first' }, 'newcomers'],
    [{ resources: [{ provider: 'p', model: 'm', weight: 0 }] }, 'resources.0.weight'],
    [{ resources: [{ provider: 'p', model: 'm' }, { provider: 'p', model: 'm', domain: 'chat' }] }, 'resources.1'],
    [{ resources: [{ provider: 'p', model: 'm', limit: 3 }] }, 'resources.0'],
    [{ rate: 3 }, ''],
  ])('refuses %j at %s', (fields, path) => {
    expect(parse(fields).error?.issues.map((issue) => issue.path.join('.'))).toEqual([path]);
  });

  it('takes every domain of a model, and says which entry comes twice', () => {
    const domains = ['chat', 'embedding', 'image', 'healthcheck'];
    const resources = domains.map((domain) => ({ provider: 'p', model: 'm', domain }));
    expect(parse({ resources }).data?.resources.map(({ domain }) => domain)).toEqual(domains);
    const others = [{ provider: 'q', model: 'm' }, { provider: 'p', model: 'n' }, { provider: 'p', model: 'm' }];
    expect(parse({ resources: others }).success).toBe(true);
    const [issue] = parse({ resources: [...others, { provider: 'q', model: 'm' }] }).error?.issues ?? [];
    expect(issue?.message).toBe('a second entry for q m chat');
    for (const nameless of [{ provider: '', model: 'm' }, { provider: 'p', model: '' }]) {
      expect(parse({ resources: [nameless] }).success).toBe(false);
    }
    expect(parse({ resources: [{ provider: 'a provider', model: 'a/model:1' }] }).success).toBe(true);
  });

  it('has variants that its configuration accepts', () => {
    for (const [name, settings] of Object.entries(requestAdmission.variants)) {
      expect([name, parse(settings).success]).toEqual([name, true]);
    }
  });

  it('makes a keeper that holds nothing', () => {
    const admission = requestAdmission.make(requestAdmission.config.parse({ name: 'aimd' }), { rng: () => 0 });
    expect([admission.held(), admission.nextWakeAt()]).toEqual([{ waiting: 0, leased: 0 }, Infinity]);
  });
});
