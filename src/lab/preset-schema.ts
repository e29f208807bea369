/**
 * Preset files: the timing and the KV pool of one model on one machine, with what they were fitted on and how far off
 * they are. Shipped ones lie in `scenarios/presets`; `spillway calibrate` prints more of them.
 */
import { z } from 'zod';
import { decimal, wholeNumber } from './number-schema.ts';
import { timingSchema } from './timing-schema.ts';

const prose = z.string().trim().min(1, { error: 'prose of at least one sentence' });

const deviation = z
  .strictObject({
    median: decimal(0, 1e3).optional().describe('Half of the values are off by less.'),
    p95: decimal(0, 1e3).optional().describe('Nineteen in twenty are off by less.'),
    max: decimal(0, 1e3).optional().describe('The worst.'),
  })
  .describe('Size of relative errors: 0.02 is 2 %.');

const error = z.strictObject({
  of: prose.describe('Which values.'),
  count: wholeNumber(1).optional().describe('How many.'),
  fitted: deviation.optional().describe('On the values it was fitted on.'),
  heldOut: deviation.optional().describe('On values that were left out of the fit.'),
});

/** Coefficients as the preset's timing names them; `all`: every duration by one factor. */
const uncertainty = z
  .strictObject({
    of: z.array(prose).min(1).describe("Coefficients of timing, or 'all' for one factor on everything."),
    covariance: z.array(z.array(z.number()))
      .describe('Covariance of their relative deviations: 0.0001 on the diagonal is a standard deviation of 1 %.'),
  })
  .superRefine(({ of, covariance }, context) => {
    if (covariance.length === of.length && covariance.every((row) => row.length === of.length)) return;
    const message = `${of.length} rows of ${of.length} numbers, one for each of 'of'`;
    context.addIssue({ code: 'custom', path: ['covariance'], message });
  });

/** Keys of an engine that a preset may set besides timing. */
const engine = z
  .strictObject({
    blocks: wholeNumber(1, 1e8).optional(),
    blockTokens: wholeNumber(1, 1e5).optional(),
    maxRunning: wholeNumber(1, 1e5).optional(),
    maxBatchedTokens: wholeNumber(1, 1e7).optional(),
  })
  .describe('Settings of the engine that was measured; a scenario may override each.');

/** A preset file as written. */
export const presetSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,99}$/, { error: 'lower-case letters, digits, dots and -' }),
  model: prose.describe('Model, as its publisher names it, with its number format.'),
  hardware: prose.describe('Number and kind of accelerators of one worker.'),
  software: prose.optional().describe('Serving engine and version, where known.'),
  source: prose.describe('Where the measurements come from.'),
  fittedOn: prose.describe('Which of them were used.'),
  form: prose.describe('Form of the fit.'),
  errors: z.array(error).describe('How far off it is.'),
  pool: prose.optional().describe('Where the size of the KV pool comes from.'),
  engine: engine.prefault({}),
  timing: timingSchema,
  uncertainty: uncertainty.optional(),
});
export type Preset = z.output<typeof presetSchema>;
export type PresetUncertainty = z.output<typeof uncertainty>;
