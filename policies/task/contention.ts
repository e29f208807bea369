/**
 * Who competes for each resource now: the groups whose head could be leased at once if no share rule held it back.
 * Peers that lack some other resource compete for nothing, so they never make anyone give way to them. A value of
 * one instant; share rules read it.
 */
import type { SchedulableTask, TaskGroup } from './types.ts';
import { SUBMISSION } from './types.ts';

interface Competitors {
  readonly groups: Set<string>;
  weight: number;
}

export class Contention {
  readonly #byResource = new Map<string, Competitors>();

  /** `contenders`: at most one head of each group. */
  constructor(contenders: Iterable<SchedulableTask>) {
    for (const { plan } of contenders) {
      for (const resource of plan.needs.keys()) {
        let competitors = this.#byResource.get(resource);
        if (competitors === undefined) {
          competitors = { groups: new Set(), weight: 0 };
          this.#byResource.set(resource, competitors);
        }
        competitors.groups.add(plan.group.key);
        competitors.weight += shareWeight(plan.group);
      }
    }
  }

  /** Sum of the weights of the group and of its peers at the resource. */
  weight(group: TaskGroup, resource: string): number {
    const competitors = this.#byResource.get(resource);
    const weight = shareWeight(group);
    if (competitors === undefined) return weight;
    return competitors.groups.has(group.key) ? competitors.weight : competitors.weight + weight;
  }

  /** Another group wants the resource and could have it. */
  hasPeers(group: TaskGroup, resource: string): boolean {
    const groups = this.#byResource.get(resource)?.groups;
    return groups !== undefined && groups.size > (groups.has(group.key) ? 1 : 0);
  }

  /**
   * Resources of the task that peers press for. Every task takes a submission, so it counts as contested only by a
   * task that takes nothing else.
   */
  pressure({ plan }: SchedulableTask): readonly string[] {
    const pressed: string[] = [];
    for (const resource of plan.needs.keys()) {
      if (resource === SUBMISSION && plan.needs.size > 1) continue;
      if (this.hasPeers(plan.group, resource)) pressed.push(resource);
    }
    return pressed;
  }
}

/** Weights below 1 count as 1, as in the fair order. */
export function shareWeight({ weight }: TaskGroup): number {
  return Math.max(weight, 1);
}
