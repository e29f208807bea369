#!/usr/bin/env node
/** The `spillway` command. Everything that takes time to load is loaded by the command that needs it. */
import { join } from 'node:path';
import { bundleFor } from './bundle.ts';

const args = process.argv.slice(2);
const bundle = bundleFor(args, join(import.meta.dirname, '../../spillway.cjs'));
const { runProgram } = bundle ?? (await import('./program.ts'));
const { processTerminal } = bundle ?? (await import('./terminal.ts'));
process.exitCode = await runProgram(args, processTerminal());
