/**
 * Every incident is a test: its symptom shows before and is gone after, as its scenario expects, and the committed
 * gallery is of these very runs, digests included. What changes behaviour changes it: `npm run incidents` writes it
 * anew; say why in the commit.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { incidentOutcome, type IncidentOutcome, shippedIncidents } from '../src/lab/incidents/incident.ts';
import { runVariant, variantRuns } from '../src/lab/incidents/incident-run.ts';
import { packageRoot } from '../src/lab/package-root.ts';
import { incidentsMarkdown } from '../src/report/incidents-markdown.ts';
import { incidentsPage } from '../src/report/incidents-page.ts';

const INCIDENTS_MIN = 30;
/** Of one incident; it takes seconds on an idle machine. */
const TIMEOUT_MS = 300_000;
/** Bytes of the page that is committed, at most. */
const PAGE_MAX = 400_000;

const incidents = await shippedIncidents();
const outcomes = new Map<string, IncidentOutcome>();

describe.each(incidents.map((incident) => [incident.name, incident] as const))('incident %s', (name, incident) => {
  it('shows its symptom before, and not after', async () => {
    const runs = [];
    for (const { resolved, variants } of variantRuns(incident.scenario)) {
      runs.push({ variants, run: await runVariant(resolved) });
    }
    const outcome = incidentOutcome(incident, runs);
    outcomes.set(name, outcome);
    expect(outcome.troubles).toEqual([]);
    expect(outcome.expectations.filter(({ ok }) => !ok)).toEqual([]);
    const [symptom] = outcome.symptoms;
    const valueIn = (variant: string) => symptom?.values.find((each) => each.variant === variant)?.value;
    expect(valueIn(outcome.pair.before)).not.toEqual(valueIn(outcome.pair.after));
  }, TIMEOUT_MS);

  it('says why, from where, and expects something of both variants', () => {
    const { pair, expect: expectations, source } = incident.scenario.base;
    expect(source).toMatch(/https:\/\/\S+\.\S+/);
    const spokenOf = new Set(expectations.map(({ variant }) => variant));
    expect([pair.before, pair.after].filter((variant) => !spokenOf.has(variant))).toEqual([]);
    expect(incident.scenario.variantNames.length).toBeGreaterThanOrEqual(2);
    const unexplained = expectations.filter(({ because }) => because === undefined);
    expect(unexplained.map(({ variant, path }) => `${variant}: ${path} has no \`because\``)).toEqual([]);
  });
});

describe('the gallery', () => {
  const ordered = (): IncidentOutcome[] => incidents.flatMap(({ name }) => outcomes.get(name) ?? []);
  const committed = (file: string): string => readFileSync(join(packageRoot(), 'reports', file), 'utf8');

  it('has all of at least thirty incidents', () => {
    expect(ordered().length).toBe(incidents.length);
    expect(incidents.length).toBeGreaterThanOrEqual(INCIDENTS_MIN);
  });

  it('is the committed one, to the byte (else: npm run incidents)', () => {
    const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64');
    expect(committed('incidents.md') === incidentsMarkdown(ordered())).toBe(true);
    expect(committed('incidents.html') === incidentsPage(ordered(), sha256)).toBe(true);
  });

  it('is small enough to be committed', () => {
    expect(committed('incidents.html').length).toBeLessThan(PAGE_MAX);
  });
});
