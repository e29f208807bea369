/**
 * Runs properties with a fixed seed. SPILLWAY_RUNS sets how many, SPILLWAY_SEED and SPILLWAY_PATH replay one; a
 * failure prints the line that does so.
 */
import fc from 'fast-check';

export interface Runs {
  readonly seed: number;
  readonly numRuns: number;
  /** Test file and title, for the line that replays. */
  readonly file: string;
  readonly title: string;
}

function fromEnvironment(name: string): number | undefined {
  const value = process.env[name];
  return value === undefined ? undefined : Number(value);
}

/** What a property of policies takes in CI; none of them costs more than a few seconds. */
export const POLICY_RUNS = 10_000;

/** Answers how many runs there were, or 0 when one was replayed: for claims about all of them together. */
export function assertRuns<Ts>(property: fc.IProperty<Ts>, { seed, numRuns, file, title }: Runs): number {
  const path = process.env['SPILLWAY_PATH'];
  const details = fc.check(property, {
    seed: fromEnvironment('SPILLWAY_SEED') ?? seed,
    numRuns: fromEnvironment('SPILLWAY_RUNS') ?? numRuns,
    ...(path === undefined ? {} : { path, endOnFailure: true }),
  });
  if (!details.failed) return path === undefined ? details.numRuns : 0;
  const replay = `SPILLWAY_SEED=${details.seed} SPILLWAY_PATH=${details.counterexamplePath ?? ''}`;
  const command = `${replay} npx vitest run ${file} -t '${title}'`;
  throw new Error(`${fc.defaultReportMessage(details) ?? 'failed'}\n\nReplay with: ${command}`, {
    cause: details.errorInstance,
  });
}
