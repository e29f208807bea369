import { afterAll, describe, expect, it } from 'vitest';
import { batchFamilies } from './batch.ts';
import { fleetFamilies } from './fleet.ts';
import { queueFamilies } from './queues.ts';
import { retryFamilies } from './retries.ts';
import { salvageFamilies } from './salvage.ts';

const families = [...queueFamilies, ...fleetFamilies, ...batchFamilies, ...retryFamilies, ...salvageFamilies];
const COLUMNS = 110;
const table: string[] = [];

/** `offer 5`, `release 3 success`: the kind of a command and its values. */
function brief(command: unknown): string {
  if (typeof command !== 'object' || command === null) return String(command);
  return Object.values(command)
    .map((value) => (typeof value === 'object' ? JSON.stringify(value) : String(value)))
    .join(' ');
}

describe.each(families)('$property', ({ suspects, acquit }) => {
  it('finds no fault with the real policy', { timeout: 60_000 }, acquit);

  it.each(suspects)('finds out: $mutant', { timeout: 60_000 }, ({ property, mutant, hunt, ...bound }) => {
    const { runs, commands } = hunt();
    const shrunk = commands.map(brief).join('; ') || 'without a command, at the end';
    const counts = `${String(runs).padStart(4)} ${String(commands.length).padStart(4)}`;
    table.push(`${counts}  ${property}: ${mutant}`);
    table.push(`             ${shrunk.length > COLUMNS ? `${shrunk.slice(0, COLUMNS)} …` : shrunk}`);
    expect(runs).toBeLessThanOrEqual(bound.runs);
    expect(commands.length).toBeLessThanOrEqual(bound.commands);
  });
});

afterAll(() => {
  console.log(`runs until found, commands left after shrinking, property, mutant:\n${table.join('\n')}`);
});
