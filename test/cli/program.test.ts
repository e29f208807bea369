import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { RUN_FLAGS, RUN_SWITCHES } from '../../src/cli/run-arguments.ts';
import { InvariantError } from '../../src/kernel/assert.ts';
import { TraceError } from '../../src/workload/trace-error.ts';
import { fakeRunner, say } from './fake-terminal.ts';

const NAMES = COMMANDS.filter((each) => each.describe !== false)
  .map((each) => each.usage.split(' ')[0])
  .join(', ');

describe('a wrong command line', () => {
  it.each([
    ['', `missing command; allowed ${NAMES}`],
    ['rum', `unknown command rum; allowed ${NAMES} (did you mean 'run'?)`],
    ['run --sede 3', "unknown flag --sede (did you mean 'seed'?)"],
    ['run --Seed 3', "unknown flag --Seed (did you mean 'seed'?)"],
    ['run --no-json', 'unknown flag --no-json'],
    ['run -x', 'unknown argument x'],
    ['run --seed', 'missing value of --seed'],
    ['run --seed --json', 'missing value of --seed'],
    ['run --seed=', '--seed: value ""; allowed a value that is not empty'],
    ['run --seed -1', '--seed: value "-1"; allowed a whole number from 0 to 9007199254740991'],
    ['run --seed 1.5', '--seed: value "1.5"; allowed a whole number from 0 to 9007199254740991'],
    [
      'run --seed 9007199254740993',
      '--seed: value "9007199254740993"; allowed a whole number from 0 to 9007199254740991',
    ],
    ['run --seed 1 --seed 2', '--seed: given 2 times (1, 2); allowed once'],
    ['run --out a --out b', '--out: given 2 times (a, b); allowed once'],
    ['run --json=maybe', '--json: value "maybe"; allowed no value: it is a switch'],
    ['run default other', 'unknown argument other'],
    ['run -- default other', 'unknown argument other; allowed one scenario'],
    ['run --variant round-robin --all-variants', '--variant and --all-variants exclude each other'],
    ['run a.csv --trace b.csv', 'two traces, a.csv and b.csv; allowed one'],
    ['run --out package.json', '--out: value "package.json": '],
    ['run --out package.json/deeper', '--out: value "package.json/deeper": '],
    ['compare', 'compare: allowed one scenario, or --results A B'],
    ['compare default other', 'unknown argument other'],
    ['compare default --seeds 0', '--seeds: value "0"; allowed a whole number from 1 to 10000'],
    ['compare default --variants base', '--variants: value "base"; allowed two or more names that differ, by comma'],
    [
      'compare default --until-half-width 5',
      '--until-half-width: value "5"; allowed a percentage such as 5%, up to 100%',
    ],
    ['sweep default', 'missing --grid; allowed path=value,value such as fleet.0.count=4,8,16'],
    ['scenarios x', 'unknown argument x'],
    ['scenarios -- x', 'unknown argument x; allowed none'],
    ['policies --json', 'unknown flag --json'],
  ])('ends with 2 and one line: spillway %s', async (line, message) => {
    const said = await say(line.split(' ').filter((word) => word !== ''));
    expect(said.err).toMatch(/^[^\n]*\n$/);
    expect(said.err.startsWith(`spillway: ${message}`)).toBe(true);
    expect(said).toMatchObject({ code: 2, out: '' });
  });

  it.each([
    ['run nope.yaml', 'nope.yaml: no such file; allowed a scenario file that can be read\n'],
    [
      'run layered-retrys',
      'spillway: scenario "layered-retrys": no such file and none shipped of that name; ' +
        "allowed a file, or a name that spillway scenarios lists (did you mean 'layered-retries'?)\n",
    ],
    ['run test', 'test: it is a folder; allowed a scenario file that can be read\n'],
    [
      'run --set fleet.0.count',
      '--set: value "fleet.0.count"; allowed path=value, such as fleet.0.count=8\n',
    ],
    ['run --variant no', 'scenarios/default.yaml: variant "no"; allowed base, slow-worker, slow-worker-round-robin\n'],
    ['run nope.csv', '--trace: value "nope.csv": no such file; allowed a trace file that can be read\n'],
  ])('ends with 2 and says what is wrong with its input: spillway %s', async (line, message) => {
    expect(await say(line.split(' '))).toEqual({ code: 2, out: '', err: message });
  });
});

describe('help', () => {
  it('lists commands and exit codes, and not the hidden command', async () => {
    const { code, out, err } = await say(['--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const texts = ['spillway run [scenario]', 'policies', '130  interrupted', '5  the run ended with work'];
    for (const text of texts) expect(out).toContain(text);
    expect(out).not.toContain('internal');
  });

  it('of run explains every flag and the exit codes', async () => {
    const { out } = await say(['run', '--help']);
    for (const flag of [...RUN_FLAGS, ...RUN_SWITCHES]) expect(out).toContain(`--${flag} `);
    expect(out).toContain('4  two runs of one world differ');
  });
});

describe('an error of a run', () => {
  it('of the trace ends with 2 and its one message', async () => {
    const run = () => Promise.reject(new TraceError('t.csv', 7, 'prompt is -1', 'a whole number'));
    const err = 't.csv:7: prompt is -1, allowed: a whole number\n';
    expect(await say(['run'], run)).toEqual({ code: 2, out: '', err });
  });

  it('of an invariant ends with 3', async () => {
    const said = await say(['run'], () => Promise.reject(new InvariantError('a lease was settled twice')));
    expect(said.code).toBe(3);
    expect(said.err).toContain('an invariant is broken\nInvariantError: a lease was settled twice');
  });
});

describe('listings', () => {
  it('of scenarios name each with its title and variants', async () => {
    const { code, out } = await say(['scenarios']);
    expect(code).toBe(0);
    expect(out).toContain('default\n  A healthy fleet with room to spare');
    expect(out).toContain('  variants: base, slow-worker, slow-worker-round-robin\n  scenarios/default.yaml\n');
  });

  it('of policies give what each decides, its source and its settings as one writes them', async () => {
    const { out } = await say(['policies']);
    expect(out).toContain('queue\n  fifo\n    decides  Who may enter');
    expect(out).toMatch(/ {4}timeout = 60s {2}\S/);
    expect(out).toMatch(/ {4}source {3}smg /);
  });

  it('of the schema are one JSON document', async () => {
    const { out } = await say(['schema']);
    const head = { title: 'Spillway scenario', type: 'object', additionalProperties: false };
    expect(JSON.parse(out)).toMatchObject(head);
  });
});

describe('the exit code', () => {
  it.each([
    ['ok', 0],
    ['unfinished', 5],
    ['metastable', 6],
    ['interrupted', 130],
  ] as const)('of a run that ended %s is %d', async (status, code) => {
    expect((await say(['run', '--trace', 'package.json'], fakeRunner({ status }))).code).toBe(code);
  });

  it('is 1 when an expectation fails, which stderr says', async () => {
    const { code, err } = await say(['run']);
    expect(code).toBe(1);
    const why = 'nothing here refuses or loses a request';
    expect(err).toContain(`expectation failed: base: failed is 2, expected 0 (${why})`);
  });

  it('does not judge expectations when --trace replaces the workload', async () => {
    const { code, err } = await say(['run', '--trace', 'package.json']);
    expect({ code, err }).toEqual({
      code: 0,
      err: 'expectations not checked: --trace replaces the workload they speak of\n',
    });
  });

  it('lets unfinished work outweigh a failed expectation, and lists what is held', async () => {
    const run = fakeRunner({ status: 'unfinished', held: ['gateway.leases: 3'] });
    const { code, err } = await say(['run'], run);
    expect(code).toBe(5);
    expect(err).toContain('base: unfinished: gateway.leases: 3\n');
  });
});
