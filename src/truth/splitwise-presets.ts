/**
 * Presets from Splitwise's cells (see splitwise.ts), one for each model, machine and tensor parallelism. The rows of
 * the power-capped H100 are those of the H100 with prompt times × 1.3, to the digit, wherever both are there: each
 * machine is fitted to the rows of both.
 */
import { join } from 'node:path';
import { ascending, percentileOf } from './agreement.ts';
import { coefficientNames } from './coefficients.ts';
import { COMPUTED_POOL, computedBlocks, MEMORY_BYTES, MODELS } from './memory.ts';
import { type PresetDocument, writtenDeviation, writtenTiming, writtenUncertainty } from './preset-document.ts';
import {
  cellOf,
  fitSplitwise,
  readSplitwise,
  splitwiseCovariance,
  splitwiseErrors,
  splitwiseHeldOut,
  type SplitwiseRow,
  type SplitwiseSetup,
} from './splitwise.ts';

const SOURCE = 'Mutinifni/splitwise-sim@8f99e7dc';
const H100 = 'h100-80gb';
const CAPPED = 'h100-80gb-pcap';
const CAP_FACTOR = 1.3;

const MACHINES: Readonly<Record<string, { readonly slug: string; readonly title: string; readonly bytes: number }>> = {
  'a100-80gb': { slug: 'a100', title: 'A100 80GB', bytes: MEMORY_BYTES.a100 },
  [H100]: { slug: 'h100', title: 'H100 80GB', bytes: MEMORY_BYTES.h100 },
  [CAPPED]: { slug: 'h100-capped', title: 'H100 80GB, power-capped', bytes: MEMORY_BYTES.h100 },
};

const MODEL_FACTS = {
  'llama2-70b': { slug: 'llama-2-70b', title: 'Llama-2-70B, 16-bit', memory: MODELS.llama70bFp16 },
  'bloom-176b': { slug: 'bloom-176b', title: 'BLOOM-176B, 16-bit', memory: MODELS.bloom176b },
} as const;

interface SplitwiseFit {
  readonly setup: SplitwiseSetup;
  /** What it is fitted to: its own rows first. */
  readonly rows: readonly SplitwiseRow[];
}

/** Throws ScenarioError. */
function splitwiseFits(folder: string): SplitwiseFit[] {
  const setups = readSplitwise(join(folder, 'splitwise', 'calibrate.csv'));
  return setups.map((setup) => ({ setup, rows: [...setup.rows, ...borrowed(setup, setups)] }));
}

/** Rows of the other H100, in this one's times, of cells that this one lacks. */
function borrowed(setup: SplitwiseSetup, setups: readonly SplitwiseSetup[]): SplitwiseRow[] {
  const { model, hardware, tensorParallel, rows } = setup;
  if (hardware !== H100 && hardware !== CAPPED) return [];
  const factor = hardware === H100 ? 1 / CAP_FACTOR : CAP_FACTOR;
  const wanted = hardware === H100 ? CAPPED : H100;
  const other = setups.find((each) => {
    return each.model === model && each.tensorParallel === tensorParallel && each.hardware === wanted;
  });
  const own = new Set(rows.map(cellOf));
  return (other?.rows ?? [])
    .filter((row) => !own.has(cellOf(row)))
    .map((row) => ({ ...row, promptMs: row.promptMs * factor }));
}

interface SizesTruth {
  readonly rows: number;
  readonly fitted: { readonly median: number; readonly p95: number };
  readonly heldOut: { readonly median: number; readonly p95: number };
}

/** Sizes of relative errors over the rows of every setup. */
export interface SplitwiseTruth {
  readonly prefill: SizesTruth;
  readonly decode: SizesTruth;
}

/** Throws ScenarioError. */
export function splitwiseTruth(folder: string): SplitwiseTruth {
  const errors = splitwiseFits(folder).map(({ setup, rows }) => {
    return { fitted: splitwiseErrors(fitSplitwise(rows), setup.rows), heldOut: splitwiseHeldOut(rows) };
  });
  const sizes = (of: 'prefill' | 'decode'): SizesTruth => {
    const fitted = errors.flatMap((each) => each.fitted[of]).sort(ascending);
    const heldOut = errors.flatMap((each) => each.heldOut[of]).sort(ascending);
    const at = (list: readonly number[]) => ({ median: percentileOf(list, 50), p95: percentileOf(list, 95) });
    return { rows: fitted.length, fitted: at(fitted), heldOut: at(heldOut) };
  };
  return { prefill: sizes('prefill'), decode: sizes('decode') };
}

/** Throws ScenarioError. */
export function splitwisePresets(folder: string): PresetDocument[] {
  return splitwiseFits(folder).map(({ setup, rows }): PresetDocument => {
    const { model, hardware, tensorParallel } = setup;
    const machine = MACHINES[hardware] ?? { slug: hardware, title: hardware, bytes: MEMORY_BYTES.h100 };
    const facts = MODEL_FACTS[model as keyof typeof MODEL_FACTS];
    const timing = fitSplitwise(rows);
    const fitted = splitwiseErrors(timing, rows);
    const heldOut = splitwiseHeldOut(rows);
    const cells = new Set(rows.map(cellOf)).size;
    const others = rows.length - setup.rows.length;
    const both = others === 0 ? '' : `, ${others} of them of the other H100`;
    return {
      name: `${facts.slug}-${tensorParallel}x-${machine.slug}`,
      model: facts.title,
      hardware: `${tensorParallel} × ${machine.title}`,
      source: SOURCE,
      fittedOn: `${rows.length} rows of ${cells} cells${both}`,
      form: 'prompts: medians by tokens, never falling; decoding: affine in batch and context, least relative errors',
      errors: [
        error('prompt time', fitted.prefill, heldOut.prefill),
        error('token time', fitted.decode, heldOut.decode),
      ],
      pool: COMPUTED_POOL,
      engine: { blocks: computedBlocks(facts.memory, tensorParallel * machine.bytes), blockTokens: 16 },
      timing: writtenTiming(timing),
      uncertainty: writtenUncertainty(coefficientNames(timing), splitwiseCovariance(timing, rows)),
    };
  });
}

function error(of: string, fitted: readonly number[], heldOut: readonly number[]) {
  const what = `${of} of a row (held out: its whole cell)`;
  return { of: what, count: fitted.length, fitted: writtenDeviation(fitted), heldOut: writtenDeviation(heldOut) };
}
