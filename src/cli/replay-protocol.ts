/**
 * What the process of `--check-determinism` and the fresh one it starts say to each other, over node's own
 * channel.
 */
import type { Difference, Replay } from '../lab/determinism.ts';
import type { ResolvedScenario } from '../lab/resolve.ts';

/** Hidden command that the fresh process is started with. */
export const REPLAY_COMMAND = 'internal-replay';

export interface ReplayRequest {
  readonly resolved: ResolvedScenario;
  readonly stretch: Difference | undefined;
}

/**
 * `failure` is the text of an error of the fresh process; `ofPolicy` says that a policy of the user's own is at fault.
 */
export type ReplayAnswer =
  | { readonly replay: Replay }
  | { readonly failure: string; readonly ofPolicy: boolean };
