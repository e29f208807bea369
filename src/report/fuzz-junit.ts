/**
 * A fuzz campaign as a JUnit report: a test case for each promise, failed by the findings that break it, and one for
 * each coverage mark that no run met. Machines of continuous integration read it; it has no times.
 */
import type { FuzzReport } from '../lab/fuzz/campaign.ts';
import type { FoundScenario, FuzzAbout } from './fuzz-text.ts';
import { attribute, text } from './html-text.ts';

/** What XML 1.0 cannot say. */

const UNSAYABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g;

export function junitReport(
  { seed, promises }: FuzzAbout,
  { runs }: FuzzReport,
  found: readonly FoundScenario[],
  missed: readonly string[],
): string {
  const extra = found.map(({ finding }) => finding.failure).filter(({ invariant }) => !promises.some(named(invariant)));
  const names = [...promises.map(({ name }) => name), ...new Set(extra.map(({ invariant }) => invariant))];
  const cases = names.map((name) =>
    testCase(
      name,
      found.filter(({ finding }) => finding.failure.invariant === name),
    ),
  );
  const unmet = missed.map((mark) => {
    return `    <testcase classname="spillway fuzz" name="mark ${xml(mark)}">
      <failure message="no run met it" type="mark"/>
    </testcase>`;
  });
  const failures = new Set(found.map(({ finding }) => finding.failure.invariant)).size + missed.length;
  const counts = `tests="${names.length + missed.length}" failures="${failures}" errors="0" skipped="0"`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites ${counts}>
  <testsuite name="spillway fuzz" ${counts}>
    <properties>
      <property name="seed" value="${seed}"/>
      <property name="runs" value="${runs}"/>
    </properties>
${[...cases, ...unmet].join('\n')}
  </testsuite>
</testsuites>
`;
}

function named(invariant: string) {
  return ({ name }: { readonly name: string }): boolean => name === invariant;
}

function testCase(name: string, found: readonly FoundScenario[]): string {
  const head = `    <testcase classname="spillway fuzz" name="${xml(name)}"`;
  if (found.length === 0) return `${head}/>`;
  const failures = found.map(({ finding, file, command, drawn }) => {
    const { message, input, verdict } = finding.failure;
    const lines = [...(input === undefined ? [] : [`input: ${input}`]), `file: ${file}`, `replay: ${command}`, drawn];
    const body = text(lines.join('\n').replaceAll(UNSAYABLE, '?'));
    return `      <failure message="${xml(message)}" type="${verdict}">${body}</failure>`;
  });
  return `${head} file="${xml(found[0]?.file ?? '')}">\n${failures.join('\n')}\n    </testcase>`;
}

function xml(raw: string): string {
  return attribute(raw.replaceAll(UNSAYABLE, '?')).replaceAll('\n', '&#10;');
}
