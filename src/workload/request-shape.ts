/**
 * What a synthetic request asks: its lengths, the prefix it shares with others, its tenant. Everything but
 * when.
 *
 * Prompt lengths, output lengths, prefixes and tenants have a stream each and draw the same number of times
 * for every request (lengths as often as their distribution needs), so that a change of one leaves the others
 * as they were. A tenant with lengths of its own has streams for them, and what it does not use is drawn all the same.
 * Shared text is known by ids of whole blocks alone: a prefix that ends inside a block, or a
 * prompt shorter than it, gives fewer ids, as an engine that caches whole blocks would find.
 */
import { assert } from '../kernel/assert.ts';
import { sampler } from '../kernel/distribution.ts';
import { stream } from '../kernel/rng.ts';
import type { Rng } from '../kernel/rng.ts';
import type { Arrival } from './arrival.ts';
import type { BoundsConfig, PrefixConfig, ShapeConfig, TenantConfig } from './config.ts';

const NO_IDS: readonly number[] = [];

/** Draws requests of one client population, or of one closed-loop user. */
export class RequestShape {
  readonly #prompt: () => number;
  readonly #output: () => number;
  readonly #prefix: PrefixDraw | undefined;
  readonly #tenant: (at: number) => TenantConfig;
  /** Of tenants with lengths of their own, by name. */
  readonly #own: ReadonlyMap<string, OwnLengths>;

  /** `scope` is the prefix of its streams' names: 'workload' or 'workload/user/7'. */
  constructor(config: ShapeConfig, seed: number | string, scope: string) {
    this.#prompt = sampler(config.prompt, stream(seed, `${scope}/lengths/prompt`));
    this.#output = sampler(config.output, stream(seed, `${scope}/lengths/output`));
    const { prefix } = config;
    this.#prefix = prefix === undefined ? undefined : new PrefixDraw(prefix, stream(seed, `${scope}/prefix`));
    this.#tenant = tenantDraw(config.tenants, stream(seed, `${scope}/tenants`));
    this.#own = ownLengths(config.tenants, seed, scope);
  }

  /** The next request, sent at `at`. `tenant` overrides the draw (closed-loop users keep theirs). */
  next(at: number, user: number, tenant: TenantConfig = this.#tenant(at)): Arrival {
    const [usualPrompt, usualOutput] = [this.#prompt(), this.#output()];
    const own = this.#own.get(tenant.name);
    const promptTokens = Math.max(1, own?.prompt?.() ?? usualPrompt);
    const outputTokens = Math.max(0, own?.output?.() ?? usualOutput);
    const hashIds = this.#prefix === undefined ? NO_IDS : this.#prefix.next(promptTokens);
    return {
      at,
      promptTokens,
      outputTokens,
      maxOutputTokens: outputTokens,
      hashIds,
      hashBlockTokens: hashIds.length === 0 ? 0 : (this.#prefix?.blockTokens ?? 0),
      tenant: tenant.name,
      priority: tenant.priority,
      routingKey: '',
      user,
    };
  }
}

class PrefixDraw {
  readonly blockTokens: number;
  readonly #config: PrefixConfig;
  readonly #blocks: number;
  readonly #rng: Rng;
  /** Ids of each group's whole prefix, made at its first use and shared by its requests. */
  readonly #ids: (readonly number[] | undefined)[] = [];

  constructor(config: PrefixConfig, rng: Rng) {
    assert(config.groups >= 1 && config.blockTokens >= 1, 'a shared prefix needs a group and a block size');
    this.blockTokens = config.blockTokens;
    this.#config = config;
    this.#blocks = Math.floor(config.tokens / config.blockTokens);
    this.#rng = rng;
  }

  next(promptTokens: number): readonly number[] {
    const shares = this.#rng() < this.#config.share;
    const group = Math.floor(this.#rng() * this.#config.groups);
    if (!shares) return NO_IDS;
    const first = group * this.#blocks;
    const ids = (this.#ids[group] ??= Array.from({ length: this.#blocks }, (_, i) => first + i));
    const blocks = Math.floor(promptTokens / this.blockTokens);
    return blocks >= ids.length ? ids : ids.slice(0, blocks);
  }
}

interface OwnLengths {
  readonly prompt: (() => number) | undefined;
  readonly output: (() => number) | undefined;
}

function ownLengths(tenants: readonly TenantConfig[], seed: number | string, scope: string): Map<string, OwnLengths> {
  const own = tenants.filter(({ prompt, output }) => prompt !== undefined || output !== undefined);
  return new Map(
    own.map(({ name, prompt, output }) => {
      const drawOf = (what: string, from: TenantConfig['prompt']): (() => number) | undefined => {
        return from && sampler(from, stream(seed, `${scope}/lengths/${what}/${name}`));
      };
      return [name, { prompt: drawOf('prompt', prompt), output: drawOf('output', output) }];
    }),
  );
}

function tenantDraw(tenants: readonly TenantConfig[], rng: Rng): (at: number) => TenantConfig {
  const isThere = (tenant: TenantConfig, at: number): boolean => {
    return at >= (tenant.fromUs ?? 0) && at < (tenant.toUs ?? Infinity);
  };
  const total = totalWeight(tenants);
  const areAll = tenants.every(({ fromUs, toUs }) => fromUs === undefined && toUs === undefined);
  return (at) => {
    const present = areAll ? tenants : tenants.filter((tenant) => isThere(tenant, at));
    let rest = rng() * (areAll ? total : totalWeight(present));
    for (const tenant of present) {
      rest -= tenant.weight;
      if (rest < 0) return tenant;
    }
    return present[present.length - 1] as TenantConfig;
  };
}

/** Sum of the weights, above 0. */
export function totalWeight(tenants: readonly TenantConfig[]): number {
  const total = tenants.reduce((sum, tenant) => sum + tenant.weight, 0);
  assert(total > 0, 'tenants must weigh more than 0 together');
  return total;
}

/** A bug of whoever checked the scenario, unless one bound is finite and the count is whole. */
export function assertBounded(bounds: BoundsConfig): void {
  const { requests, durationUs } = bounds;
  assert(requests < Infinity || durationUs < Infinity, 'a workload needs a finite bound');
  assert(requests === Infinity || Number.isInteger(requests), 'requests must be whole or Infinity');
}
