/**
 * Where one scenario after another is tried: what a campaign was set up with, compiled once (policies loaded, schemas
 * and arbitraries built). A bench belongs to one thread; equal setups draw and run alike on any.
 */
import fc from 'fast-check';
import { type PolicyEntry, policyEntries } from '../../../policies/index.ts';
import { mix32 } from '../../kernel/rng.ts';
import { runChecked } from '../checked-run.ts';
import { invariants as shipped } from '../invariants/catalogue.ts';
import type { Invariant } from '../invariants/invariant.ts';
import type { ResolvedScenario } from '../resolve.ts';
import { runScenario } from '../run.ts';
import { type ScenarioSchema, scenarioSchema, scenarioSchemaOf } from '../scenario-schema.ts';
import { loadUserInvariants } from '../user-invariants.ts';
import { entriesOfFile, type PolicyFile } from '../user-policies.ts';
import type { ModuleFile } from '../user-module.ts';
import { resolveDocument } from './drawn-run.ts';
import { type Failure, failureOf, twoHistories } from './failure.ts';
import { notingEntries } from './last-call.ts';
import { type MarkName, marksOf } from './marks.ts';
import { documentArbitrary, type ScenarioDocument } from './scenario-arbitrary.ts';
import type { Space } from './space.ts';

/** Plain data: any thread can be given it. */
export interface FuzzSetup {
  readonly space: Space;
  /** Of the campaign. */
  readonly seed: number;
  readonly policyFile: PolicyFile | undefined;
  readonly invariantFile: ModuleFile | undefined;
}

/** What came of one scenario. */
export interface Trial {
  readonly failure: Failure | undefined;
  readonly marks: readonly MarkName[];
  /** Of the whole history; undefined when something ended the run in its midst. */
  readonly digest: string | undefined;
  /** Kernel events; 0 when something ended the run in its midst. */
  readonly events: number;
}

export interface TryOptions {
  readonly twice: boolean;
  /** Called again and again while the run goes on. */
  readonly onSlice?: (() => void) | undefined;
  /** Where to note what the user's policies are asked. */
  readonly lastCall?: SharedArrayBuffer | undefined;
}

/** One run in so many is made twice: with policies of the user's own, and without. */
const TWICE_EVERY_OWN = 8;
const TWICE_EVERY = 64;

export class FuzzBench {
  readonly arbitrary: fc.Arbitrary<ScenarioDocument>;
  readonly #setup: FuzzSetup;
  readonly #entries: readonly PolicyEntry[];
  readonly #schema: ScenarioSchema;
  readonly #invariants: readonly Invariant[];

  /** Rejects with ScenarioError. */
  static async make(setup: FuzzSetup): Promise<FuzzBench> {
    const entries = await entriesOfFile(setup.policyFile);
    const own =
      setup.invariantFile === undefined ? [] : (await loadUserInvariants(setup.invariantFile.path)).invariants;
    return new FuzzBench(setup, entries, own);
  }

  private constructor(setup: FuzzSetup, entries: readonly PolicyEntry[], own: readonly Invariant[]) {
    this.#setup = setup;
    this.#entries = entries;
    this.#schema = entries === policyEntries ? scenarioSchema : scenarioSchemaOf(entries);
    this.#invariants = [...shipped, ...own];
    this.arbitrary = documentArbitrary(setup.space, entries);
  }

  /** fast-check's seed of the campaign's nth run: each run has its own, so that any thread can draw it. */
  seedOf(run: number): number {
    return mix32(mix32(this.#setup.seed) ^ mix32(Math.floor(this.#setup.seed / 0x1_0000_0000)) ^ (run + 1)) | 0;
  }

  draw(run: number): ScenarioDocument {
    return fc.sample(this.arbitrary, { seed: this.seedOf(run), numRuns: 1 })[0] as ScenarioDocument;
  }

  /** Throws ScenarioError. */
  resolve(document: ScenarioDocument): ResolvedScenario {
    return resolveDocument(document, this.#schema, this.#setup.policyFile);
  }

  /** The campaign's nth run. `onSlice` is called again and again while it goes on. */
  async run(n: number, onSlice?: () => void): Promise<Trial> {
    const every = this.#setup.policyFile === undefined ? TWICE_EVERY : TWICE_EVERY_OWN;
    return this.try(this.draw(n), { twice: n % every === 0, onSlice });
  }

  /** Runs a scenario, once or twice, and holds it to every invariant. Rejects with ScenarioError. */
  async try(document: ScenarioDocument, { twice, onSlice, lastCall }: TryOptions): Promise<Trial> {
    const world = this.resolve(document);
    const marks = new Set<MarkName>();
    const watched = [...this.#invariants, marksOf((mark) => marks.add(mark))];
    const entries = lastCall === undefined ? this.#entries : notingEntries(this.#entries, lastCall);
    const options = { entries, onProgress: onSlice };
    const run = await runChecked(runScenario, world, watched, options);
    const digest = run.outcome?.result.digest;
    let failure = failureOf(run, world);
    if (twice && failure === undefined && digest !== undefined) {
      const again = await runChecked(runScenario, world, [], options);
      const second = again.outcome?.result.digest ?? 'none';
      if (second !== digest) failure = twoHistories(digest, second);
    }
    return { failure, marks: [...marks], digest, events: run.outcome?.result.events ?? 0 };
  }
}
