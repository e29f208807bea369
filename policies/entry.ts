/**
 * What the registry knows of a policy: its name, what it decides, where it comes from, its configuration with
 * defaults, and how to make it. A user's own policy file exports the same.
 */
import type { z } from 'zod';
import type { RequestAdmission } from './admission/types.ts';
import type { Health } from './health/types.ts';
import type { RateLimit } from './rate/types.ts';
import type { RetryBudget } from './retry-budget/types.ts';
import type { TaskScheduling } from './task/types.ts';
import type { Capacity, Gate, Queue, Retry, Rng, Router, Salvage } from './types.ts';

/** The object each role is played by. */
export interface PolicyRoles {
  readonly capacity: Capacity;
  readonly rate: RateLimit;
  readonly queue: Queue;
  readonly router: Router;
  readonly gate: Gate;
  readonly retry: Retry;
  readonly 'retry-budget': RetryBudget;
  readonly health: Health;
  readonly tasks: TaskScheduling;
  readonly admission: RequestAdmission;
  readonly salvage: Salvage;
}
export type PolicyRole = keyof PolicyRoles;

/** What a policy may be given besides its configuration. */
export interface PolicyContext {
  /** The policy's own stream. */
  readonly rng: Rng;
}

export interface PolicyEntry<Role extends PolicyRole = PolicyRole, Config extends { name: string } = { name: string }> {
  readonly role: Role;
  /** Value of `name` in the `policies:` block. */
  readonly name: string;
  /** One sentence: the question it answers and how. */
  readonly decides: string;
  /** Repository and file, issue, paper or RFC it comes from. */
  readonly source: string;
  /** Object schema with a literal `name`; every other field has a default, its description gives unit and source. */
  readonly config: z.ZodType<Config>;
  /**
   * Named settings that reproduce a known system, historic defects included: overrides of the configuration as
   * written.
   */
  readonly variants: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  make(config: Config, context: PolicyContext): PolicyRoles[Role];
}
