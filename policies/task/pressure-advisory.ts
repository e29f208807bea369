/**
 * Advises which of the admissible tasks to start first: not one whose call would only wait at its endpoint, while
 * another group's would go at once. Pressed is an endpoint at its cap, else a resource that rests after a 429, has
 * waiters, or is at its adaptive limit. It only reorders: when every other admissible head is pressed too, or there
 * is none, the task goes ahead, so the advice can delay nobody for ever.
 *
 * Regimes: with one endpoint it never changes anything. After a 429 the slots of the resting endpoint's tasks go to
 * others. Limits: it reads request admission as it is now, and in a long dispatch pass the tasks just started have
 * not asked there yet, so it sees the zeros of before the pass; `yieldAfterDispatch` gives them that chance between
 * passes only.
 *
 * Source: DataDesigner async_scheduler.py 99517abc (_request_pressure_reason, _is_dispatch_eligible).
 */
import type { Resource } from '../admission/types.ts';
import type { Micros } from '../types.ts';
import type { Pressure, PressureAdvisory, PressureSource, SchedulableTask } from './types.ts';

export class RequestPressureAdvisory implements PressureAdvisory {
  readonly #source: PressureSource;

  constructor(source: PressureSource) {
    this.#source = source;
  }

  pressure(now: Micros, resource: Resource): Pressure | undefined {
    const endpoint = this.#source.endpoint(now, resource.provider, resource.model);
    if (endpoint === undefined) return undefined;
    if (endpoint.inFlight >= endpoint.cap) return 'endpoint-full';
    const snapshot = this.#source.snapshot(now, resource);
    if (snapshot === undefined) return undefined;
    if (snapshot.cooldownRemainingUs > 0) return 'cooldown';
    if (snapshot.waiting > 0) return 'waiters';
    return snapshot.inFlight >= snapshot.limit ? 'at-limit' : undefined;
  }

  passes<Task extends SchedulableTask>(
    now: Micros,
    task: Task,
    heads: readonly Task[],
    admissible: (task: Task) => boolean,
  ): boolean {
    if (!this.#pressed(now, task)) return true;
    const { key } = task.plan.group;
    return !heads.some((head) => head.plan.group.key !== key && !this.#pressed(now, head) && admissible(head));
  }

  #pressed(now: Micros, { plan }: SchedulableTask): boolean {
    return plan.calls !== undefined && this.pressure(now, plan.calls) !== undefined;
  }
}
