/**
 * A fuzz campaign as annotations of GitHub Actions: an error a finding, shown at the scenario file, and one for each
 * required mark that no run met (docs.github.com, "Workflow commands for GitHub Actions").
 */
import type { FoundScenario } from './fuzz-text.ts';

export function githubAnnotations(found: readonly FoundScenario[], missed: readonly string[]): string {
  const findings = found.map(({ finding, file, command }) => {
    const { signature, message, promise } = finding.failure;
    const properties = `file=${property(file)},line=1,title=${property(signature)}`;
    return `::error ${properties}::${data(`${message}\n${promise}\n${command}`)}\n`;
  });
  const unmet = missed.map((mark) => `::error title=${property(`coverage mark ${mark}`)}::no run met it\n`);
  return [...findings, ...unmet].join('');
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
