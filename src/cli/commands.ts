/** The commands of `spillway`, in the order of its help. What a command needs is loaded when it runs. */
import type { Argv } from 'yargs';
import { type Command, refuseOperands } from './command.ts';
import {
  COMPARE_FLAGS,
  COMPARE_SWITCHES,
  compareBuilder,
  readCompareArguments,
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
  readReplayArguments,
  REPLAY_FLAGS,
  replayBuilder,
} from './live-arguments.ts';
import { INCIDENTS_FLAGS, incidentsBuilder, readIncidentsArguments } from './incidents-arguments.ts';
import { REPLAY_COMMAND } from './replay-protocol.ts';
import {
  policiesBuilder,
  readPoliciesFile,
  readRunArguments,
  RUN_FLAGS,
  RUN_SWITCHES,
  runBuilder,
} from './run-arguments.ts';
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
  usage: 'compare <scenario>',
  describe: 'Compare variants of a scenario over many seeds',
  flags: COMPARE_FLAGS,
  switches: COMPARE_SWITCHES,
  builder: compareBuilder,
  prepare(argv) {
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
  describe: 'Serve an OpenAI-compatible gateway over a fleet of workers',
  flags: PROXY_FLAGS,
  switches: PROXY_SWITCHES,
  builder: proxyBuilder,
  prepare(argv) {
    const options = readProxyArguments(argv);
    return async (terminal) => (await import('./proxy-command.ts')).proxyCommand(options, terminal);
  },
};

const replay: Command = {
  usage: 'replay <journal>',
  describe: 'Run the journal of a proxy again, offline; it must do what it did',
  flags: REPLAY_FLAGS,
  switches: [],
  builder: replayBuilder,
  prepare(argv) {
    const options = readReplayArguments(argv);
    return async (terminal) => (await import('./journal-command.ts')).replayJournalCommand(options, terminal);
  },
};

const internalReplay: Command = {
  usage: REPLAY_COMMAND,
  describe: false,
  ...NO_FLAGS,
  prepare: () => async () => (await import('./replay-command.ts')).replayCommand(),
};

export const COMMANDS: readonly Command[] = [
  ...[run, compare, sweep, diff, explain, calibrate, validate, engine, proxy, replay],
  ...[incidents, scenarios, policies, presets, schema, internalReplay],
];
