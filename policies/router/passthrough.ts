/**
 * Decides nothing: the first candidate takes every request. For a fleet of one, and as the floor that a comparison of
 * routers starts from: everything it loses is lost to not balancing. Source: smg policies/passthrough.rs at 73da68ca9.
 */
import { assert } from '../../src/kernel/assert.ts';
import type { PolicyEntry } from '../entry.ts';
import type { FleetView, Micros, RequestView, Router } from '../types.ts';
import { type PassthroughConfig, passthroughConfig } from './config.ts';

export class Passthrough implements Router {
  pick(_now: Micros, _request: RequestView, candidates: FleetView): number {
    assert(candidates.length > 0, 'a router is asked with at least one candidate');
    return 0;
  }

  /** It keeps nothing. */
  snapshot(): null {
    return null;
  }

  restore(): void {}
}

export const passthrough: PolicyEntry<'router', PassthroughConfig> = {
  role: 'router',
  name: 'passthrough',
  decides: 'Which worker: the first candidate.',
  source: 'smg model_gateway/src/policies/passthrough.rs 73da68ca9',
  config: passthroughConfig,
  variants: {},
  make: () => new Passthrough(),
};
