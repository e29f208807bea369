/** Wrong policies of one family, the property that must find them out, and the hunt itself. */
import fc from 'fast-check';
import { type Edit, planted } from '../harness/gateway-planted.ts';

/** Mutants are hunted with one seed; a property of the real policy has others. */
const SEED = 725_730;
const RUNS_MAX = 5000;
/** What the property is run for on the real policy here; its own test has thousands. */
const REAL_RUNS = 200;

export interface Mutant<Make> {
  /** What is wrong with it. */
  readonly name: string;
  readonly make: Make;
  /** It must be found within so many runs and shrink to so few commands. */
  readonly runs: number;
  readonly commands: number;
}

/** How a mutant was found out. */
export interface Found {
  readonly runs: number;
  /** Of the shrunk counterexample. */
  readonly commands: readonly unknown[];
  readonly message: string;
}

export interface Suspect {
  readonly property: string;
  readonly mutant: string;
  readonly runs: number;
  readonly commands: number;
  readonly hunt: () => Found;
}

export interface Family {
  readonly property: string;
  readonly suspects: readonly Suspect[];
  /** Throws when the property finds fault with the real policy. */
  readonly acquit: () => void;
}

/** `check` is the property that the real policy's own test runs; its last argument is the command list. */
export function family<Make, Given extends readonly unknown[]>(
  property: string,
  check: (make: Make) => fc.IProperty<Given>,
  real: Make,
  mutants: readonly Mutant<Make>[],
): Family {
  return {
    property,
    suspects: mutants.map(({ name, make, runs, commands }) => {
      return { property, mutant: name, runs, commands, hunt: () => hunted(check(make)) };
    }),
    acquit: () => fc.assert(check(real), { seed: SEED, numRuns: REAL_RUNS }),
  };
}

function hunted<Given extends readonly unknown[]>(property: fc.IProperty<Given>): Found {
  const { counterexample, errorInstance, numRuns } = fc.check(property, { seed: SEED, numRuns: RUNS_MAX });
  if (counterexample === null) throw new Error(`survived ${numRuns} runs`);
  const commands = counterexample.at(-1) as readonly unknown[];
  return { runs: numRuns, commands, message: errorInstance instanceof Error ? errorInstance.message : '' };
}

/** The export `name` of a file of policies as it would be with the edits made to it or to what it imports. */
export function edited<Export>(file: string, name: string, ...edits: readonly Edit[]): Export {
  return planted(`policies/${file}`, edits)[name] as Export;
}

/** An edit of one file of policies. */
export function edit(file: string, from: string, to: string): Edit {
  return { file: `policies/${file}`, from, to };
}
