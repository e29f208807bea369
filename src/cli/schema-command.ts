/** `spillway schema`: the JSON Schema of scenario files, for editors. */
import { scenarioJsonSchema } from '../lab/scenario-schema.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

export async function schemaCommand(terminal: Terminal): Promise<ExitCode> {
  await terminal.print(`${JSON.stringify(scenarioJsonSchema(), undefined, 2)}\n`);
  return EXIT.ok;
}
