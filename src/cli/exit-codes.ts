/**
 * What `spillway` answers to the shell. When several apply, the first in this order: 130, 2, 3, 4, 5, 6, 1.
 */
export const EXIT = {
  ok: 0,
  expectationFailed: 1,
  usage: 2,
  invariantBroken: 3,
  nondeterminism: 4,
  unfinished: 5,
  metastable: 6,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'ok',
  expectationFailed: 'an expectation of the scenario failed, or rows of a batch',
  usage: 'bad usage, scenario, trace, policy file or output folder',
  invariantBroken: 'an invariant is broken, or a policy of --policies: a bug',
  nondeterminism: 'two runs of one world differ',
  unfinished: 'the run ended with work unfinished',
  metastable: 'the system did not recover',
  interrupted: 'interrupted',
};

/** The table shown by `--help`. */
export function exitCodeHelp(): string {
  const names = Object.keys(EXIT) as (keyof typeof EXIT)[];
  const lines = names.map((name) => `  ${String(EXIT[name]).padStart(3)}  ${MEANINGS[name]}`);
  return ['Exit codes:', ...lines].join('\n');
}
