/**
 * Importing this module lets a user's policy file import `spillway/policies` wherever it lies, and have it mean the
 * program that runs: the sources in a checkout, `dist` when installed. Without it a file outside any package, run by
 * `npx spillway`, could not find the package it is written for.
 */
import { register } from 'node:module';
import { extname } from 'node:path';

const policies = new URL(`../../policies/index${extname(import.meta.url)}`, import.meta.url).href;
const hook = `export const resolve = (specifier, context, next) => specifier === 'spillway/policies'
  ? { url: ${JSON.stringify(policies)}, shortCircuit: true }
  : next(specifier, context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
