/**
 * The `symptoms:` block: what a reporter saw, beside where our run shows the same. `spillway incidents` prints the
 * first one of each scenario for its variants `before` and `after`; the gallery shows all, for all variants.
 */
import { z } from 'zod';
import { resultPath } from './expect-schema.ts';

/** Variants that a scenario with symptoms has: the policies of then, and the repaired ones. */
export const BEFORE = 'before';
export const AFTER = 'after';

const text = z.string().trim().min(1).max(300);

const symptom = z.strictObject({
  what: text.describe('What is counted or measured, in a few words with its unit.'),
  path: resultPath,
  reported: text.describe("The reporter's number before the repair, in its words; 'not stated' where there is none."),
  repaired: text.optional().describe("The reporter's number after it, where the thread has one."),
  apart: text.optional().describe('How far ours is from it, and why. Default: it is where it should be.'),
});

export const symptomsSchema = z
  .array(symptom)
  .max(20)
  .default([])
  .describe('What a report describes, and where the results show it. Default none: the scenario is no incident.');
export type Symptom = z.output<typeof symptomsSchema>[number];

/** Adds an issue when a scenario with symptoms lacks one of the two variants that show them and their absence. */
export function checkSymptoms(
  scenario: { readonly symptoms: readonly Symptom[]; readonly variants: Readonly<Record<string, unknown>> },
  context: z.RefinementCtx,
): void {
  if (scenario.symptoms.length === 0) return;
  for (const name of [BEFORE, AFTER]) {
    if (Object.hasOwn(scenario.variants, name)) continue;
    context.addIssue({ code: 'custom', path: ['variants'], message: `a variant ${name}, as there are symptoms` });
  }
}
