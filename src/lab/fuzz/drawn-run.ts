/** From a drawn document to a world that can be run. */
import { resolveParsed, type ResolvedScenario } from '../resolve.ts';
import { ScenarioError } from '../scenario-error.ts';
import type { ScenarioSchema } from '../scenario-schema.ts';
import { parseWith } from '../schema-issues.ts';
import type { PolicyFile } from '../user-policies.ts';
import type { ScenarioDocument } from './scenario-arbitrary.ts';

/** Throws ScenarioError: what was varied does not fit. `schema` knows the policies of the user's own. */
export function resolveDocument(
  document: ScenarioDocument,
  schema: ScenarioSchema,
  policyFile: PolicyFile | undefined,
): ResolvedScenario {
  const parsed = parseWith(schema, document);
  if ('data' in parsed) return resolveParsed(parsed.data, policyFile);
  throw new ScenarioError(parsed.issues.map(({ text }) => `drawn scenario: ${text}`));
}
