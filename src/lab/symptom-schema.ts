/**
 * The `symptoms:` block: what a reporter saw, beside where our run shows the same, and `pair:`, the two variants it is
 * told of. `spillway incidents` prints the first symptom of each scenario for these two; the gallery shows all, for all
 * variants.
 */
import { z } from 'zod';
import { resultPath } from './expect-schema.ts';

const text = z.string().trim().min(1).max(300);
/** A number stands for its text, so that `reported: 81` needs no quotes. */
const told = z.union([text, z.number().transform(String)], { error: 'text, or a number' });

const symptom = z.strictObject({
  what: text.describe('What is counted or measured, in a few words with its unit.'),
  path: resultPath,
  reported: told.describe("The reporter's number before the repair, in its words; 'not stated' where there is none."),
  repaired: told.optional().describe("The reporter's number after it, where the thread has one."),
  apart: text.optional().describe('How far ours is from it, and why. Default: it is where it should be.'),
});

export const symptomsSchema = z
  .array(symptom)
  .max(20)
  .default([])
  .describe('What a report describes, and where the results show it. Default none: the scenario is no incident.');
export type Symptom = z.output<typeof symptomsSchema>[number];

export const pairSchema = z
  .strictObject({
    before: text.default('before').describe('With the policies of then. Default before.'),
    after: text.default('after').describe('With the repaired ones; may be base. Default after.'),
  })
  .prefault({})
  .describe('Variants that show the symptoms and their absence.');
export type Pair = z.output<typeof pairSchema>;

/** Adds an issue when a scenario with symptoms lacks one of the two variants that show them and their absence. */
export function checkSymptoms(
  { symptoms, variants, pair }: {
    readonly symptoms: readonly Symptom[];
    readonly pair: Pair;
    readonly variants: Readonly<Record<string, unknown>>;
  },
  base: string,
  context: z.RefinementCtx,
): void {
  if (symptoms.length === 0) return;
  for (const name of [pair.before, pair.after]) {
    if (name === base || Object.hasOwn(variants, name)) continue;
    context.addIssue({ code: 'custom', path: ['variants'], message: `a variant ${name}, as there are symptoms` });
  }
}
