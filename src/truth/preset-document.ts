/** Presets as files: the text of one, with its timing in the words of scenario files. */
import { Document, isSeq } from 'yaml';
import type { z } from 'zod';
import type { presetSchema } from '../lab/preset-schema.ts';
import type { TimingConfig } from '../worker/timing/timing.ts';
import { type LatencyAgreement, percentileOf } from './agreement.ts';
import type { Calibration } from './calibrate.ts';
import type { RelativeCovariance } from './robust-fit.ts';
import type { RunLog } from './run-log.ts';

/** A preset as it is written. */
export type PresetDocument = z.input<typeof presetSchema>;
type WrittenTiming = PresetDocument['timing'];
type WrittenDeviation = NonNullable<PresetDocument['errors'][number]['fitted']>;

/** Significant digits of a fitted duration: more than any fit knows. */
const DIGITS = 6;

/** YAML of a preset. */
export function presetText(document: PresetDocument): string {
  const yaml = new Document(document);
  const rows = yaml.getIn(['uncertainty', 'covariance']);
  if (isSeq(rows)) for (const row of rows.items) if (isSeq(row)) row.flow = true;
  return yaml.toString({ lineWidth: 100, flowCollectionPadding: false, defaultStringType: 'PLAIN' });
}

/** A duration as scenario files write it. */
function durationText(us: number): string {
  const [value, unit] = us >= 1000 ? [us / 1000, 'ms'] : us >= 1 || us === 0 ? [us, 'us'] : [us * 1000, 'ns'];
  return `${plainNumber(value)}${unit}`;
}

/** Without an exponent. */
function plainNumber(value: number): string {
  const rounded = Number(value.toPrecision(DIGITS));
  return rounded !== 0 && Math.abs(rounded) < 1e-6 ? '0.000001' : String(rounded);
}

/** The `timing:` block that makes this timing. */
export function writtenTiming(timing: TimingConfig): WrittenTiming {
  switch (timing.kind) {
    case 'affine': {
      const { baseUs, perTokenUs, perKvTokenUs, perMixedKvTokenUs } = timing;
      const mixed = perMixedKvTokenUs === undefined ? {} : { perMixedKvToken: durationText(perMixedKvTokenUs) };
      return {
        kind: 'affine',
        base: durationText(baseUs),
        perToken: durationText(perTokenUs),
        perKvToken: durationText(perKvTokenUs),
        ...mixed,
      };
    }
    case 'dynamo':
      return { kind: 'dynamo', speedup: timing.speedup, decodeSpeedup: timing.decodeSpeedup };
    case 'table': {
      const { prefill, decode, experts } = timing;
      const times = decode.jobs.map((jobs, i): [string, string[]] => {
        return [String(jobs), (decode.us[i] as readonly number[]).map(durationText)];
      });
      return {
        kind: 'table',
        prefill: {
          floor: durationText(prefill.floorUs),
          knots: Object.fromEntries(prefill.knots.map(([tokens, us]) => [String(tokens), durationText(us)])),
          perContextToken: durationText(prefill.perContextTokenUs),
        },
        decode: { kvTokens: [...decode.kvTokens], times: Object.fromEntries(times) },
        ...(experts === undefined ? {} : { experts: writtenExperts(experts) }),
      };
    }
    default:
      return timing satisfies never;
  }
}

function writtenExperts({ total, perToken, us }: { total: number; perToken: number; us: number }) {
  return { total, perToken, all: durationText(us) };
}

/** Covariance with few digits, as a preset keeps it. */
export function writtenUncertainty(names: readonly string[], covariance: readonly (readonly number[])[]) {
  return { of: [...names], covariance: covariance.map((row) => row.map((value) => Number(value.toPrecision(4)))) };
}

/** The same of a linear fit whose features have these names. */
export function linearUncertainty(names: readonly string[], { features, covariance }: RelativeCovariance) {
  return writtenUncertainty(features.map((feature) => names[feature] as string), covariance);
}

/** What a calibration gives a preset. `base` names the timing that the fit started from. */
export function calibratedPreset(log: RunLog, calibration: Calibration, base: string): PresetDocument {
  const { names, multipliers, covariance, fitted, heldOut, timing } = calibration;
  const errorsOf = (of: string, fit: LatencyAgreement, rest: LatencyAgreement) => {
    return { of: `${of} of single requests`, fitted: requestDeviation(fit), heldOut: requestDeviation(rest) };
  };
  const total = fitted.latencies.e2e.requests + heldOut.latencies.e2e.requests;
  const isScale = names.length === 1;
  const scaled = `one factor, ${plainNumber(multipliers[0] as number)}, on ${base}`;
  const form = isScale ? scaled : `${timing.kind}: ${names.join(', ')}, least squares from ${base}`;
  const { maxRunning, maxBatchedTokens, blocks, blockTokens } = log.engine;
  return {
    name: `${nameOf(log.model)}-calibrated`,
    model: log.model,
    hardware: log.hardware ?? 'the machine of the log',
    software: log.software,
    source: `the run logged in ${log.folder}`,
    fittedOn: `the first ${fitted.latencies.e2e.requests} of ${total} requests`,
    form,
    errors: [
      errorsOf('TTFT', fitted.latencies.ttft, heldOut.latencies.ttft),
      errorsOf('TPOT', fitted.latencies.tpot, heldOut.latencies.tpot),
      errorsOf('E2E', fitted.latencies.e2e, heldOut.latencies.e2e),
    ],
    pool: 'as in the log, or as given to spillway calibrate',
    engine: { blocks, blockTokens, maxRunning, maxBatchedTokens },
    timing: writtenTiming(timing),
    uncertainty: writtenUncertainty(names, covariance),
  };
}

/** Of sizes of relative errors, ascending. */
export function writtenDeviation(sizes: readonly number[]): WrittenDeviation {
  const at = (p: number): number => rounded(percentileOf(sizes, p));
  return { median: at(50), p95: at(95), max: at(100) };
}

/** Of the errors of single requests; empty where there are none. */
export function requestDeviation({ requestMedian, requestP95 }: LatencyAgreement): WrittenDeviation {
  if (!Number.isFinite(requestMedian) || !Number.isFinite(requestP95)) return {};
  return { median: rounded(requestMedian), p95: rounded(requestP95) };
}

/** Beyond this a relative error says no more than that it is one. */
const RATIO_MAX = 1000;

function rounded(ratio: number): number {
  return Math.min(RATIO_MAX, Number(ratio.toFixed(4)));
}

function nameOf(model: string): string {
  const bare = model.split('/').at(-1) ?? '';
  const name = bare.toLowerCase().replace(/[^a-z0-9.]+/g, '-').replace(/^[^a-z0-9]+/, '').slice(0, 80);
  return name === '' ? 'model' : name;
}
