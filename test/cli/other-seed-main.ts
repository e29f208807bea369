/**
 * The command line with a simulator of another seed: what a process that is not deterministic looks like to
 * its copy.
 */
import { runProgram } from '../../src/cli/program.ts';
import { processTerminal } from '../../src/cli/terminal.ts';
import { runScenario } from '../../src/lab/run.ts';

process.exitCode = await runProgram(process.argv.slice(2), processTerminal(), (resolved, options) => {
  return runScenario({ ...resolved, config: { ...resolved.config, seed: 2 } }, options);
});
