#!/usr/bin/env node
/** The `spillway` command. Everything that takes time to load is loaded by the command that needs it. */
import { runProgram } from './program.ts';
import { processTerminal } from './terminal.ts';

process.exitCode = await runProgram(process.argv.slice(2), processTerminal());
