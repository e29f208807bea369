/** `spillway scenarios`: what is shipped, with the first sentence of why. */
import { relative } from 'node:path';
import { catalog } from '../lab/catalog.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

export async function scenariosCommand(terminal: Terminal): Promise<ExitCode> {
  const blocks = (await catalog()).map(({ file, name, title, variants }) => {
    const all = ['base', ...variants].join(', ');
    return [name, `  ${title}`, `  variants: ${all}`, `  ${relative(process.cwd(), file)}`].join('\n');
  });
  await terminal.print(`${blocks.join('\n\n')}\n`);
  return EXIT.ok;
}
