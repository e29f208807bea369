import { describe, expect, it } from 'vitest';
import { type Arm, compareArms } from '../../../src/lab/compare/comparison.ts';
import { metricAt } from '../../../src/lab/compare/metrics.ts';
import type { RunResult } from '../../../src/results/result.ts';
import { stream } from '../../../src/kernel/rng.ts';
import { comparisonVerdicts, relativeText } from '../../../src/report/comparison.ts';
import { richResult } from '../../results/samples.ts';

const BASE = richResult();

function arm(name: string, values: readonly Partial<RunResult>[]): Arm {
  return { name, results: values.map((value) => ({ ...BASE, ...value })) };
}

const TTFT = metricAt('mean_ttft_ms');
const FAILED = metricAt('failed');

describe('a comparison of arms', () => {
  it('shows a small steady difference that varies less than the seeds do', () => {
    const draw = stream(1, 'comparison');
    const noise = Array.from({ length: 12 }, () => 100 + 50 * draw());
    const before = arm(
      'a',
      noise.map((ms) => ({ mean_ttft_ms: ms })),
    );
    const after = arm(
      'b',
      noise.map((ms) => ({ mean_ttft_ms: ms - 2 + draw() })),
    );
    const [difference] = compareArms([before, after], [TTFT]);
    expect(difference).toMatchObject({ verdict: 'better', wins: 12, losses: 0, pairs: 12 });
    expect(difference?.varianceReduction).toBeGreaterThan(0.99);
    expect(difference?.interval.high).toBeLessThan(0);
  });

  it('shows nothing where seeds disagree, and says how large it could be', () => {
    const values = [10, 12, 9, 11].map((ms) => ({ mean_ttft_ms: ms }));
    const others = [11, 11, 10, 10].map((ms) => ({ mean_ttft_ms: ms }));
    const [difference] = compareArms([arm('a', values), arm('b', others)], [TTFT]);
    expect(difference).toMatchObject({ verdict: 'no difference shown', wins: 2, losses: 2 });
    expect(comparisonVerdicts('a', [difference as NonNullable<typeof difference>])).toEqual([
      'b against a: mean TTFT +0.0 % [−17.5, +17.5]: no difference shown.',
    ]);
  });

  it('counts a fewer of what is bad as better and says so in words', () => {
    const differences = compareArms(
      [
        arm('baseline', [{ failed: 81 }, { failed: 79 }, { failed: 83 }]),
        arm('fix', [{ failed: 0 }, { failed: 0 }, { failed: 0 }]),
      ],
      [FAILED],
    );
    expect(comparisonVerdicts('baseline', differences)).toEqual([
      'fix beats baseline: requests failed 81 → 0, better in 3 of 3 seeds.',
    ]);
    expect(relativeText(differences[0] as (typeof differences)[0])).toBe('−100.0 % [−106.1, −93.9]');
  });

  it('asks more of each difference when there are more arms', () => {
    const before = arm(
      'a',
      [1, 2, 3, 4, 5, 6].map((failed) => ({ failed })),
    );
    const after = arm(
      'b',
      [0, 2, 2, 2, 4, 5].map((failed) => ({ failed })),
    );
    const others = Array.from({ length: 9 }, (_, i) =>
      arm(
        `c${i}`,
        [1, 3, 2, 4, 5, 6].map((failed) => ({ failed })),
      ),
    );
    const p = (arms: readonly Arm[]) => compareArms(arms, [FAILED]).find((each) => each.arm === 'b')?.interval.p ?? NaN;
    const alone = p([before, after]);
    expect(alone).toBeLessThan(0.05);
    expect(p([before, after, ...others])).toBeCloseTo(alone * 10, 10);
    expect(compareArms([before, after, ...others], [FAILED])[0]?.verdict).toBe('no difference shown');
  });

  it('leaves out metrics that a run does not have and pairs only what both have', () => {
    const { rows: _, ...plain } = BASE;
    const bare: Arm = { name: 'a', results: [plain, plain] };
    expect(compareArms([bare, { ...bare, name: 'b' }], [metricAt('rows.dropped')])).toEqual([]);
    const some = arm('b', [{ mean_ttft_ms: null }, { mean_ttft_ms: 4 }]);
    expect(compareArms([arm('a', [{ mean_ttft_ms: 3 }, { mean_ttft_ms: 3 }]), some], [TTFT])[0]?.pairs).toBe(1);
  });
});
