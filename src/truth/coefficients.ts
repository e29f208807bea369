/**
 * What may be fitted in a timing: its coefficients by name, and the timing with each of them multiplied. Tables keep
 * their shape: prompts and decoding have one factor each.
 */
import type { AffineTimingConfig } from '../worker/timing/affine.ts';
import type { TableTimingConfig } from '../worker/timing/table.ts';
import type { TimingConfig } from '../worker/timing/timing.ts';

/** One factor on everything. */
export const ONE_SCALE = ['all'] as const;

/** Names of the coefficients of a timing, as preset files have them. */
export function coefficientNames(timing: TimingConfig): readonly string[] {
  switch (timing.kind) {
    case 'affine':
      return ['base', 'perToken', 'perKvToken', 'perMixedKvToken'];
    case 'dynamo':
      return ['prefill', 'decode'];
    case 'table':
      return ['prefill', 'decode'];
    default:
      return timing satisfies never;
  }
}

/** A timing in which every coefficient may move: what is zero or follows another gets a small value of its own. */
export function loosened(timing: TimingConfig): TimingConfig {
  if (timing.kind !== 'affine') return timing;
  const perKvTokenUs = timing.perKvTokenUs || 0.01;
  return {
    kind: 'affine',
    baseUs: timing.baseUs || 1000,
    perTokenUs: timing.perTokenUs || 1,
    perKvTokenUs,
    perMixedKvTokenUs: timing.perMixedKvTokenUs || perKvTokenUs,
  };
}

/** The timing with the named coefficients (its own, or 'all') multiplied, in that order. */
export function multiplied(
  timing: TimingConfig,
  names: readonly string[],
  multipliers: readonly number[],
): TimingConfig {
  const factorOf = (name: string): number => {
    return names.reduce((factor, each, i) => {
      return each === name || each === ONE_SCALE[0] ? factor * (multipliers[i] as number) : factor;
    }, 1);
  };
  switch (timing.kind) {
    case 'affine':
      return affine(timing, factorOf);
    case 'dynamo': {
      const prefill = factorOf('prefill');
      const decodeSpeedup = (timing.decodeSpeedup * prefill) / factorOf('decode');
      return { ...timing, speedup: timing.speedup / prefill, decodeSpeedup };
    }
    case 'table':
      return table(timing, factorOf);
    default:
      return timing satisfies never;
  }
}

function affine(timing: AffineTimingConfig, factorOf: (name: string) => number): AffineTimingConfig {
  const { baseUs, perTokenUs, perKvTokenUs, perMixedKvTokenUs = perKvTokenUs } = timing;
  const scaled = {
    kind: 'affine',
    baseUs: baseUs * factorOf('base'),
    perTokenUs: perTokenUs * factorOf('perToken'),
    perKvTokenUs: perKvTokenUs * factorOf('perKvToken'),
  } as const;
  if (timing.perMixedKvTokenUs === undefined) return scaled;
  return { ...scaled, perMixedKvTokenUs: perMixedKvTokenUs * factorOf('perMixedKvToken') };
}

function table(timing: TableTimingConfig, factorOf: (name: string) => number): TableTimingConfig {
  const prefill = factorOf('prefill');
  const decode = factorOf('decode');
  return {
    kind: 'table',
    prefill: {
      floorUs: timing.prefill.floorUs * prefill,
      knots: timing.prefill.knots.map(([tokens, us]) => [tokens, us * prefill] as const),
      perContextTokenUs: timing.prefill.perContextTokenUs * prefill,
    },
    decode: { ...timing.decode, us: timing.decode.us.map((row) => row.map((us) => us * decode)) },
    experts: timing.experts && { ...timing.experts, us: timing.experts.us * decode },
  };
}
