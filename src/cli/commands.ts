/** The commands of `spillway`, in the order of its help. What a command needs is loaded when it runs. */
import type { Argv } from 'yargs';
import { BATCH_FLAGS, BATCH_SWITCHES, batchBuilder, readBatchArguments } from './batch-arguments.ts';
import { type Command, nonEmpty, refuseOperands, switched } from './command.ts';
import {
  COMPARE_FLAGS,
  COMPARE_SWITCHES,
  compareBuilder,
  readCompareArguments,
  readResults,
  SWEEP_FLAGS,
  sweepBuilder,
} from './compare-arguments.ts';
import {
  DIFF_FLAGS,
  diffBuilder,
  EXPLAIN_FLAGS,
  explainBuilder,
  readDiffArguments,
  readExplainArguments,
} from './diff-arguments.ts';
import {
  ENGINE_FLAGS,
  engineBuilder,
  PROXY_FLAGS,
  PROXY_SWITCHES,
  proxyBuilder,
  readEngineArguments,
  readProxyArguments,
} from './live-arguments.ts';
import { FUZZ_FLAGS, FUZZ_SWITCHES, fuzzBuilder, readFuzzArguments } from './fuzz-arguments.ts';
import { INCIDENTS_FLAGS, incidentsBuilder, readIncidentsArguments } from './incidents-arguments.ts';
import { LOAD_FLAGS, LOAD_SWITCHES, loadBuilder, readLoadArguments } from './load-arguments.ts';
import { readReplayArguments, REPLAY_FLAGS, REPLAY_SWITCHES, replayBuilder } from './replay-arguments.ts';
import { REPLAY_COMMAND } from './replay-protocol.ts';
import {
  policiesBuilder,
  readPoliciesFile,
  readRunArguments,
  RUN_FLAGS,
  RUN_SWITCHES,
  runBuilder,
} from './run-arguments.ts';
import { readTraceArguments, TRACE_FLAGS, TRACE_SWITCHES, traceBuilder } from './trace-arguments.ts';
import {
  CALIBRATE_FLAGS,
  CALIBRATE_SWITCHES,
  calibrateBuilder,
  PRESETS_FLAGS,
  presetsBuilder,
  readCalibrateArguments,
  readPresetsArguments,
  readValidateArguments,
  VALIDATE_FLAGS,
  VALIDATE_SWITCHES,
  validateBuilder,
} from './truth-arguments.ts';

/** Of commands without flags. */
const NO_FLAGS = { flags: [], switches: [], builder: (yargs: Argv): Argv => yargs };

const run: Command = {
  usage: 'run [scenario]',
  describe: 'Run a scenario or a trace',
  flags: RUN_FLAGS,
  switches: RUN_SWITCHES,
  builder: runBuilder,
  prepare(argv) {
    const options = readRunArguments(argv);
    return async (terminal, runner) => (await import('./run-command.ts')).runCommand(options, terminal, runner);
  },
};

const compare: Command = {
  usage: 'compare [scenario]',
  describe: 'Compare variants of a scenario over many seeds, or two results',
  flags: COMPARE_FLAGS,
  switches: COMPARE_SWITCHES,
  builder: compareBuilder,
  prepare(argv) {
    const results = readResults(argv);
    const json = switched(argv, 'json');
    if (results !== undefined) {
      return async (terminal) => (await import('./results-command.ts')).resultsCommand(results, json, terminal);
    }
    const options = readCompareArguments('compare', argv);
    return async (terminal) => (await import('./compare-command.ts')).compareCommand(options, terminal);
  },
};

const sweep: Command = {
  usage: 'sweep <scenario>',
  describe: 'Compare settings of a scenario, every combination of a grid, over many seeds',
  flags: SWEEP_FLAGS,
  switches: COMPARE_SWITCHES,
  builder: sweepBuilder,
  prepare(argv) {
    const options = readCompareArguments('sweep', argv);
    return async (terminal) => (await import('./compare-command.ts')).compareCommand(options, terminal);
  },
};

const diff: Command = {
  usage: 'diff <scenario>',
  describe: 'Say where two variants part on one seed, and by which decision',
  flags: DIFF_FLAGS,
  switches: [],
  builder: diffBuilder,
  prepare(argv) {
    const options = readDiffArguments(argv);
    return async (terminal) => (await import('./diff-command.ts')).diffCommand(options, terminal);
  },
};

const explain: Command = {
  usage: 'explain <scenario>',
  describe: 'Tell what happened to one request or row, and why',
  flags: EXPLAIN_FLAGS,
  switches: [],
  builder: explainBuilder,
  prepare(argv) {
    const options = readExplainArguments(argv);
    return async (terminal) => (await import('./explain-command.ts')).explainCommand(options, terminal);
  },
};

const fuzz: Command = {
  usage: 'fuzz',
  describe: 'Draw scenarios, hold them to every invariant, shrink what fails to a scenario file',
  flags: FUZZ_FLAGS,
  switches: FUZZ_SWITCHES,
  builder: fuzzBuilder,
  prepare(argv) {
    const options = readFuzzArguments(argv, process.env);
    return async (terminal) => (await import('./fuzz-command.ts')).fuzzCommand(options, terminal);
  },
};

const init: Command = {
  usage: 'init <dir>',
  describe: 'Begin: write a scenario, a policy, its test and a workflow into a folder',
  ...NO_FLAGS,
  builder: (yargs) => yargs.positional('dir', { type: 'string', describe: 'Folder; it is made when it is missing' }),
  prepare(argv) {
    refuseOperands(argv);
    const folder = nonEmpty('dir', String(argv['dir']));
    return async (terminal) => (await import('./init-command.ts')).initCommand(folder, terminal);
  },
};

const incidents: Command = {
  usage: 'incidents',
  describe: 'Run the shipped incidents, before and after, beside what their reporters saw',
  flags: INCIDENTS_FLAGS,
  switches: [],
  builder: incidentsBuilder,
  prepare(argv) {
    const options = readIncidentsArguments(argv);
    return async (terminal) => (await import('./incidents-command.ts')).incidentsCommand(options, terminal);
  },
};

const scenarios: Command = {
  usage: 'scenarios',
  describe: 'List the scenarios that come with Spillway',
  ...NO_FLAGS,
  prepare(argv) {
    refuseOperands(argv);
    return async (terminal) => (await import('./scenarios-command.ts')).scenariosCommand(terminal);
  },
};

const policies: Command = {
  usage: 'policies',
  describe: 'List the policies: what each decides, its source, its settings',
  flags: ['policies'],
  switches: [],
  builder: policiesBuilder,
  prepare(argv) {
    refuseOperands(argv);
    const file = readPoliciesFile(argv);
    return async (terminal) => (await import('./policies-command.ts')).policiesCommand(file, terminal);
  },
};

const schema: Command = {
  usage: 'schema',
  describe: 'Print the JSON Schema of scenario files',
  ...NO_FLAGS,
  prepare(argv) {
    refuseOperands(argv);
    return async (terminal) => (await import('./schema-command.ts')).schemaCommand(terminal);
  },
};

const calibrate: Command = {
  usage: 'calibrate <dir>',
  describe: 'Fit a preset to a measured run of vLLM',
  flags: CALIBRATE_FLAGS,
  switches: CALIBRATE_SWITCHES,
  builder: calibrateBuilder,
  prepare(argv) {
    const options = readCalibrateArguments(argv);
    return async (terminal) => (await import('./calibrate-command.ts')).calibrateCommand(options, terminal);
  },
};

const validate: Command = {
  usage: 'validate <dir>',
  describe: 'Hold a preset against a measured run of vLLM',
  flags: VALIDATE_FLAGS,
  switches: VALIDATE_SWITCHES,
  builder: validateBuilder,
  prepare(argv) {
    const options = readValidateArguments(argv);
    return async (terminal) => (await import('./validate-command.ts')).validateCommand(options, terminal);
  },
};

const presets: Command = {
  usage: 'presets',
  describe: 'List the presets: model, hardware, what each was fitted on, how far off it is',
  flags: PRESETS_FLAGS,
  switches: [],
  builder: presetsBuilder,
  prepare(argv) {
    const options = readPresetsArguments(argv);
    return async (terminal) => (await import('./presets-command.ts')).presetsCommand(options, terminal);
  },
};

const engine: Command = {
  usage: 'engine',
  describe: 'Serve a simulated engine on a socket, OpenAI-compatible, with faults to switch',
  flags: ENGINE_FLAGS,
  switches: [],
  builder: engineBuilder,
  prepare(argv) {
    const options = readEngineArguments(argv);
    return async (terminal) => (await import('./engine-command.ts')).engineCommand(options, terminal);
  },
};

const proxy: Command = {
  usage: 'proxy',
  live: true,
  describe: 'Serve an OpenAI-compatible gateway over a fleet of workers',
  flags: PROXY_FLAGS,
  switches: PROXY_SWITCHES,
  builder: proxyBuilder,
  prepare(argv) {
    const options = readProxyArguments(argv);
    return async (terminal) => (await import('./proxy-command.ts')).proxyCommand(options, terminal);
  },
};

const batch: Command = {
  usage: 'batch <rows>',
  live: true,
  describe: 'Run a file of requests against a proxy or workers; resumable, each row once',
  flags: BATCH_FLAGS,
  switches: BATCH_SWITCHES,
  builder: batchBuilder,
  prepare(argv) {
    const options = readBatchArguments(argv);
    return async (terminal) => (await import('./batch-command.ts')).batchCommand(options, terminal);
  },
};

const load: Command = {
  usage: 'load <scenario>',
  describe: 'Send the workload of a scenario to a real endpoint, and report as a simulated run does',
  flags: LOAD_FLAGS,
  switches: LOAD_SWITCHES,
  builder: loadBuilder,
  prepare(argv) {
    const options = readLoadArguments(argv);
    return async (terminal) => (await import('./load-command.ts')).loadCommand(options, terminal);
  },
};

const replay: Command = {
  usage: 'replay <journal>',
  describe: 'Run the journal of a proxy again, offline; as it was, or what if the policies were others',
  flags: REPLAY_FLAGS,
  switches: REPLAY_SWITCHES,
  builder: replayBuilder,
  prepare(argv) {
    const options = readReplayArguments(argv);
    const { whatIf } = options;
    if (whatIf !== undefined) {
      return async (terminal) => (await import('./what-if-command.ts')).whatIfCommand(options, whatIf, terminal);
    }
    return async (terminal) => (await import('./journal-command.ts')).replayJournalCommand(options, terminal);
  },
};

const trace: Command = {
  usage: 'trace <action> <journal>',
  describe: 'Turn the journal of a proxy into a trace: trace import JOURNAL',
  flags: TRACE_FLAGS,
  switches: TRACE_SWITCHES,
  builder: traceBuilder,
  prepare(argv) {
    const options = readTraceArguments(argv);
    return async (terminal) => (await import('./trace-command.ts')).traceCommand(options, terminal);
  },
};

const internalReplay: Command = {
  usage: REPLAY_COMMAND,
  describe: false,
  ...NO_FLAGS,
  prepare: () => async () => (await import('./replay-command.ts')).replayCommand(),
};

export const COMMANDS: readonly Command[] = [
  ...[run, fuzz, compare, sweep, diff, explain, calibrate, validate, engine, proxy, batch, load, replay, trace],
  ...[init, incidents, scenarios, policies, presets, schema, internalReplay],
];
