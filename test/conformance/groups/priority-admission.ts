/** smg middleware/scheduler/engine.rs: whole admissions, told in words, played against the historic scheduler. */
import { CLASSES, laneOf, type PriorityClass } from '../../../policies/priority/classes.ts';
import { priority } from '../../../policies/priority/priority.ts';
import { Scheduler } from '../../../policies/priority/scheduler.ts';
import { attemptView } from '../../policies/priority/attempts.ts';
import { requestView } from '../../policies/views.ts';
import { type Handlers, historic } from './handler.ts';

interface Scenario {
  capacity: number | 'free slot';
  class: PriorityClass;
  /** Class, and in brackets whether its first byte is out. */
  held?: string[];
  queue_size?: number;
  queue_timeout_s?: number;
  already_queued?: number;
  default_queue_waiters?: number;
  interactive_queue_waiter_present?: boolean;
  dispatcher?: 'absent' | 'running';
}

/** No reservations, and the scenario's queue, in every class. */
function configOf(scenario: Scenario) {
  const config = historic(priority);
  const classes = { ...config.classes };
  for (const name of CLASSES) {
    classes[name] = { ...classes[name], reservedFloor: 0, reservedPerSlot: 0 };
    if (scenario.queue_size !== undefined) classes[name].queueSize = scenario.queue_size;
    if (scenario.queue_timeout_s !== undefined) classes[name].queueTimeout = scenario.queue_timeout_s * 1e6;
  }
  return { ...config, classes, defaultMaxClass: 'system' as const };
}

class Play {
  readonly queue: Scheduler;
  readonly #capacity: number;
  readonly #requests: ReturnType<typeof requestView>[] = [];
  readonly outcomes = new Map<number, string>();
  readonly preempted: number[] = [];
  now = 0;

  constructor(scenario: Scenario) {
    this.queue = new Scheduler(configOf(scenario));
    this.#capacity = scenario.capacity === 'free slot' ? 1 : scenario.capacity;
    this.queue.capacityChanged(0, this.#capacity);
  }

  arrive(name: PriorityClass): number {
    const id = this.#requests.length;
    const request = requestView({ id, priority: laneOf(name) });
    this.#requests.push(request);
    const answer = this.queue.offer(this.now, request);
    if (answer !== 'queued') this.#end(id, answer);
    this.#takeAll();
    return id;
  }

  /** A request in flight, perhaps past its first byte. */
  hold(text: string): number {
    const id = this.arrive(text.split(' ')[0] as PriorityClass);
    if (text.includes('first byte sent')) this.queue.firstToken(this.now, this.#attempt(id));
    return id;
  }

  /** Its end frees a slot, which nobody has taken yet. */
  finish(id: number): void {
    this.queue.leave(this.now, this.#requests[id] as ReturnType<typeof requestView>);
    this.#takeAll();
  }

  /** Time goes on; without a dispatcher nothing but clocks does. */
  advance(to: number, dispatcher: boolean): void {
    this.now = to;
    if (dispatcher) this.queue.wake(to);
    else this.queue.capacityChanged(to, this.#capacity);
    this.#takeAll();
  }

  places(name: PriorityClass): number {
    return this.queue.depths[laneOf(name)]?.places ?? 0;
  }

  #takeAll(): void {
    for (let effect = this.queue.take(); effect !== undefined; effect = this.queue.take()) {
      if (effect.kind === 'admit') this.#end(effect.request.id, 'admitted');
      else if (effect.kind === 'shed') this.#end(effect.request.id, effect.cause);
      else {
        this.preempted.push(effect.attempt.request.id);
        this.queue.settled(this.now, effect.attempt);
        this.finish(effect.attempt.request.id);
      }
    }
  }

  #end(id: number, outcome: string): void {
    this.outcomes.set(id, outcome.replace('-', '_'));
    if (outcome === 'admitted') this.queue.granted(this.now, this.#attempt(id));
  }

  #attempt(id: number) {
    return attemptView({ id, request: this.#requests[id] as ReturnType<typeof requestView> });
  }
}

/** Who holds a slot and who waits before the caller comes. */
function setUp(play: Play, scenario: Scenario): number[] {
  const held = (scenario.held ?? []).map((text) => play.hold(text));
  const waiters = scenario.default_queue_waiters ?? 0;
  if (waiters > 0) {
    // They came while everything was taken; one slot was released since.
    const other = play.hold('default');
    for (let i = 0; i < waiters; i++) play.arrive('default');
    play.finish(other);
  }
  for (let i = 0; i < (scenario.already_queued ?? 0); i++) play.arrive(scenario.class);
  return held;
}

function admissionScenario(scenario: Scenario) {
  const play = new Play(scenario);
  const held = setUp(play, scenario);
  if (scenario.interactive_queue_waiter_present === true) {
    const waiter = play.arrive('interactive');
    const caller = play.arrive(scenario.class);
    for (let ms = 0; ms <= 60; ms++) play.advance(ms * 1000, true);
    const taken = [waiter, caller].filter((id) => play.outcomes.get(id) === 'admitted').length;
    const either = 'either the system caller or the already queued interactive waiter takes the freed slot';
    return { outcome: taken === 1 && play.preempted.length === 1 ? either : `${taken} admitted` };
  }
  const caller = play.arrive(scenario.class);
  const dispatcher = scenario.dispatcher !== 'absent';
  const timeoutUs = (scenario.queue_timeout_s ?? 0) * 1e6;
  const queued = play.outcomes.get(caller) === undefined;
  if (queued) for (let tenths = 0; tenths <= 10; tenths++) play.advance((timeoutUs * tenths) / 10, dispatcher);
  const outcome = play.outcomes.get(caller) ?? 'queued';
  const victim = held.some((id) => play.preempted.includes(id)) ? 'preempted' : 'untouched';
  const mayPreempt = scenario.class === 'interactive' || scenario.class === 'system';
  const depth = play.places(scenario.class);
  if (scenario.dispatcher === 'running') return { outcome, queue_depth_soon_after: depth };
  if (scenario.dispatcher === 'absent') {
    play.advance(play.now, true);
    return { outcome, queue_depth_after: depth, queue_depth_after_reap: play.places(scenario.class) };
  }
  return { outcome, ...(mayPreempt && held.length > 0 ? { victim } : {}) };
}

export const priorityAdmissionGroups: Handlers = { admission_scenario: admissionScenario };
