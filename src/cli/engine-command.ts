/**
 * `spillway engine`: a simulated worker on a real socket, until a signal or a crash that was asked for. Its settings
 * are those of an engine in a scenario's fleet.
 */
import { fleetSchema, workerConfigs } from '../lab/fleet-schema.ts';
import { applyOverride } from '../lab/overrides.ts';
import { withPresets } from '../lab/preset.ts';
import { parseSetting } from '../lab/scenario.ts';
import { ScenarioError } from '../lab/scenario-error.ts';
import { parseWith } from '../lab/schema-issues.ts';
import { LiveEngine, type LiveEngineConfig } from '../live/engine/live-engine.ts';
import { readSecret, SecretError } from '../live/http/secrets.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { EngineArguments } from './live-arguments.ts';
import { signalled } from './signals.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** Where an engine stands in a scenario. */
const PLACE = ['fleet', 0, 'engine'] as const;

/** Resolves when it has ended. Throws UsageError, ScenarioError. */
export async function engineCommand(args: EngineArguments, terminal: Terminal): Promise<ExitCode> {
  const { host, port, model, speed, outputTokens, seed } = args;
  const config = { worker: workerOf(args), host, port, model, speed, outputTokens, seed, key: keyOf(args) };
  const engine = new LiveEngine(config);
  try {
    await engine.listen();
  } catch (error) {
    throw new UsageError(`cannot listen on ${host}:${port}: ${(error as NodeJS.ErrnoException).code}`);
  }
  terminal.warn(`engine: ${model} on ${engine.url}`);
  const signal = signalled('SIGINT', 'SIGTERM');
  await Promise.race([signal.received, engine.gone]);
  signal.ignore();
  await engine.close();
  return EXIT.ok;
}

function workerOf({ preset, set }: EngineArguments): LiveEngineConfig['worker'] {
  let input: unknown = { fleet: [{ engine: preset === undefined ? {} : { preset } }] };
  for (const text of set) {
    const { path, value, where } = parseSetting(text);
    const applied = applyOverride(input, { path: [...PLACE, ...path], value, where });
    if ('error' in applied) throw new ScenarioError([`${where} ${applied.error}`]);
    input = applied.value;
  }
  const { fleet } = withPresets(input, './engine.yaml', () => 'engine:') as { readonly fleet: unknown };
  const parsed = parseWith(fleetSchema, fleet);
  if ('issues' in parsed) throw new ScenarioError(parsed.issues.map(({ text }) => text.replace(/^0\./, '')));
  const [worker] = workerConfigs(parsed.data);
  if (worker?.model === 'engine') return worker;
  throw new UsageError('engine: allowed settings of an engine');
}

function keyOf({ keyEnv }: EngineArguments): string | undefined {
  try {
    return readSecret({ env: keyEnv });
  } catch (error) {
    if (error instanceof SecretError) throw new UsageError(`--key-env: ${error.message}`);
    throw error;
  }
}
