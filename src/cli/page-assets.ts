/**
 * Script and style sheet of report pages, as `npm run build:page` bundles them. They are part of a build and of the
 * package; a checkout that was never built has none.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../lab/package-root.ts';
import type { PageAssets } from '../report/html.ts';

/** Undefined when they have not been built. */
export function pageAssets(): PageAssets | undefined {
  const folder = join(packageRoot(), 'dist', 'page');
  const [script, style] = [join(folder, 'main.js'), join(folder, 'main.css')];
  if (!existsSync(script) || !existsSync(style)) return undefined;
  return {
    script: readFileSync(script, 'utf8').trim(),
    style: readFileSync(style, 'utf8').trim(),
    hashOf: (text) => createHash('sha256').update(text).digest('base64'),
  };
}
