/**
 * `spillway fuzz`: draws scenarios, runs them on as many threads as asked, shrinks what fails and writes it as scenario
 * files. What is printed depends on the seed and the number of runs alone, `--minutes` and hangs aside. Ctrl-C ends it
 * after what runs.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FuzzBench, type FuzzSetup } from '../lab/fuzz/bench.ts';
import { type Finding, missedMarks, runFuzz } from '../lab/fuzz/campaign.ts';
import type { FailureVerdict } from '../lab/fuzz/failure.ts';
import { FuzzPool } from '../lab/fuzz/fuzz-pool.ts';
import { type MarkName, MARKS } from '../lab/fuzz/marks.ts';
import { scenarioText, worldText } from '../lab/fuzz/scenario-text.ts';
import { loadSpace, WHOLE_SPACE } from '../lab/fuzz/space.ts';
import { invariants } from '../lab/invariants/catalogue.ts';
import { didYouMean } from '../lab/nearest.ts';
import { loadUserInvariants } from '../lab/user-invariants.ts';
import { loadUserPolicies } from '../lab/user-policies.ts';
import { githubAnnotations } from '../report/fuzz-annotations.ts';
import { junitReport } from '../report/fuzz-junit.ts';
import { type FoundScenario, type FuzzAbout, fuzzHeader, fuzzText } from '../report/fuzz-text.ts';
import { CountLine } from './count-line.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { FuzzArguments } from './fuzz-arguments.ts';
import { checkOutputPath } from './output-folder.ts';
import { quoted } from './scenario-file.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';
import { writeError, writeWhole } from './write-files.ts';

const VERDICT_EXIT: Readonly<Record<FailureVerdict, ExitCode>> = {
  broken: EXIT.invariantBroken,
  hang: EXIT.invariantBroken,
  nondeterminism: EXIT.nondeterminism,
  unfinished: EXIT.unfinished,
  metastable: EXIT.metastable,
};
/** Of several codes the one that matters most. */
const SEVERITY = [EXIT.invariantBroken, EXIT.nondeterminism, EXIT.unfinished, EXIT.metastable];

/** The marks of the whole space are met by so many runs, or something is wrong with the campaign. */
const RUNS_FOR_MARKS = 2000;
const TICK_MS = 1000;
const MS_PER_MIN = 60_000;

/** Answers the exit code; throws UsageError and ScenarioError. */
export async function fuzzCommand(args: FuzzArguments, terminal: Terminal): Promise<ExitCode> {
  checkOutputPath(args.out);
  const marks = askedMarks(args.marks);
  const { setup, about } = await prepared(args);
  const bench = await FuzzBench.make(setup);
  const abort = new AbortController();
  const onInterrupt = (): void => {
    if (abort.signal.aborted) process.exit(EXIT.interrupted);
    abort.abort();
  };
  process.on('SIGINT', onInterrupt);
  const pool = new FuzzPool({ setup, bench, jobs: args.jobs, endAtHang: !args.keepGoing, abort: abort.signal });
  const ticker = setInterval(() => pool.tick(), TICK_MS);
  const begin = performance.now();
  const share = (): number => (performance.now() - begin) / ((args.minutes ?? 0) * MS_PER_MIN);
  const line = terminal.progress ? new CountLine('fuzz') : undefined;
  try {
    await terminal.print(fuzzHeader(about));
    const report = await runFuzz({
      pool,
      bench,
      runs: args.runs,
      keepGoing: args.keepGoing,
      isOver: () => args.minutes !== undefined && share() >= 1,
      onProgress: line && ((runs) => line.update(runs, args.minutes === undefined ? args.runs : runs / share())),
    });
    line?.stop();
    if (report.ended === 'interrupted') {
      terminal.warn(`interrupted after ${report.runs} runs`);
      return EXIT.interrupted;
    }
    const whole = args.space === undefined && args.policies === undefined && report.runs >= RUNS_FOR_MARKS;
    const missed =
      marks === undefined ? (whole ? missedMarks(report) : []) : marks.filter((it) => report.marks[it] === 0);
    const found = written(report.findings, args);
    await terminal.print(fuzzText(report, found, missed, MARKS));
    if (args.junit !== undefined) writeWhole(args.junit, junitReport(about, report, found, missed));
    if (args.github) await terminal.print(githubAnnotations(found, missed));
    const codes = report.findings.map(({ failure }) => VERDICT_EXIT[failure.verdict]);
    return SEVERITY.find((code) => codes.includes(code)) ?? (missed.length > 0 ? EXIT.expectationFailed : EXIT.ok);
  } finally {
    line?.stop();
    clearInterval(ticker);
    process.off('SIGINT', onInterrupt);
    await pool.close();
  }
}

async function prepared(args: FuzzArguments): Promise<{ setup: FuzzSetup; about: FuzzAbout }> {
  const space = args.space === undefined ? WHOLE_SPACE : loadSpace(args.space);
  const policies = args.policies === undefined ? undefined : await loadUserPolicies(args.policies);
  const own = args.invariants === undefined ? undefined : await loadUserInvariants(args.invariants);
  const setup = { space, seed: args.seed, policyFile: policies?.file, invariantFile: own?.file };
  const about = {
    ...{ seed: args.seed, runs: args.runs, minutes: args.minutes },
    draws: space.draw,
    fixed: Object.keys(space.base),
    ...{ space: args.space, policies: args.policies, invariants: args.invariants },
    promises: [...invariants, ...(own?.invariants ?? [])].map(({ name, promise }) => ({ name, promise })),
  };
  return { setup, about };
}

/** Throws UsageError for a mark that there is none of. */
function askedMarks(names: readonly string[] | undefined): readonly MarkName[] | undefined {
  const known = Object.keys(MARKS);
  for (const name of names ?? []) {
    if (known.includes(name)) continue;
    throw new UsageError(
      `--marks: value ${JSON.stringify(name)}; allowed ${known.join(', ')}${didYouMean(name, known)}`,
    );
  }
  return names as readonly MarkName[] | undefined;
}

/** Writes a scenario file for each finding. Throws UsageError. */
function written(findings: readonly Finding[], args: FuzzArguments): FoundScenario[] {
  const taken = new Set<string>();
  return findings.map((finding) => {
    const { failure, run, shrunk } = finding;
    let name = failure.invariant;
    for (let n = 2; taken.has(name); n++) name = `${failure.invariant}-${n}`;
    taken.add(name);
    const file = join(args.out, `${name}.yaml`);
    const flags = flagsOf(args);
    const command = ['spillway', 'run', file, ...flags].map(quoted).join(' ');
    const explain =
      failure.request === undefined
        ? undefined
        : ['spillway', 'explain', file, '--request', String(failure.request), ...policyFlags(args)]
            .map(quoted)
            .join(' ');
    const { digest } = shrunk.trial;
    const prose = {
      name,
      why: failure.message,
      source: `spillway fuzz, seed ${args.seed}, run ${run}`,
      comments: [
        `${failure.invariant}: ${failure.promise}`,
        `Found by spillway fuzz (seed ${args.seed}, run ${run}) and shrunk in ${shrunk.tries} tries.`,
        `Replay: ${command}`,
        ...(digest === undefined ? [] : [`Digest: ${digest}`]),
      ],
    };
    makeFolder(args.out);
    writeWhole(file, scenarioText(shrunk.document, prose));
    return { finding, file, command, explain, drawn: worldText(shrunk.document) };
  });
}

function flagsOf(args: FuzzArguments): string[] {
  return [...policyFlags(args), ...(args.invariants === undefined ? [] : ['--invariants', args.invariants])];
}

function policyFlags({ policies }: FuzzArguments): string[] {
  return policies === undefined ? [] : ['--policies', policies];
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw writeError(path, error);
  }
}
