/** smg middleware/scheduler/{config,engine,inflight,error}.rs: settings, dispatch, preemption and whole admissions. */
import { CLASSES, laneOf, type PriorityClass } from '../../../policies/priority/classes.ts';
import { Dispatcher } from '../../../policies/priority/dispatcher.ts';
import { Lane } from '../../../policies/priority/lane.ts';
import { priority } from '../../../policies/priority/priority.ts';
import { type Rejection, REJECTION_REPLIES } from '../../../policies/priority/rejections.ts';
import { SlotPool } from '../../../policies/priority/slot-pool.ts';
import { FirstByteRace, Victims } from '../../../policies/priority/victims.ts';
import { attemptView } from '../../policies/priority/attempts.ts';
import { requestView } from '../../policies/views.ts';
import { type Handlers, historic } from './handler.ts';

interface Queued {
  id: string;
  class: PriorityClass;
  age_ms: number;
}

interface Wake {
  capacity: number;
  reserved: number[];
  inflight: number[];
  starvation_threshold_s: number[];
  queued: Queued[];
}

function dispatcherWake(input: Wake) {
  const pool = new SlotPool(input.capacity, input.reserved, input.inflight);
  const lanes = CLASSES.map((_name, lane) => new Lane({ lane, size: Infinity, timeoutUs: Infinity, keepPlaces: true }));
  const starvationUs = input.starvation_threshold_s.map((seconds) => seconds * 1e6);
  const dispatcher = new Dispatcher(pool, lanes, { starvationUs, strict: true });
  for (const [id, waiter] of input.queued.entries()) {
    lanes[laneOf(waiter.class)]?.join(-waiter.age_ms * 1000, requestView({ id }));
  }
  const order: (string | undefined)[] = [];
  const promotions: (PriorityClass | undefined)[] = [];
  for (let next = dispatcher.next(0); next !== undefined; next = dispatcher.next(0)) {
    order.push(input.queued[next.waiter.request.id]?.id);
    if (next.starved) promotions.push(CLASSES[next.waiter.lane]);
  }
  return { admitted_order: order, starvation_promotions: promotions, inflight: pool.inFlight };
}

interface InFlight {
  id: string;
  class: PriorityClass;
  admitted_at_ms: number;
  state: string;
}

function preemptionVictim(input: { waiter_class: PriorityClass; inflight: InFlight[] }) {
  const victims = new Victims(CLASSES.length);
  for (const [id, { class: name, admitted_at_ms, state }] of input.inflight.entries()) {
    const attempt = attemptView({ id, request: requestView({ id }) });
    victims.add(attempt, laneOf(name), admitted_at_ms);
    if (state === 'first_byte_sent') victims.firstByte(attempt, laneOf(name));
    else if (state === 'preempted') victims.drop(id, laneOf(name));
    else if (state !== 'pre_first_byte') throw new Error(`unknown state ${state}`);
  }
  const victim = victims.preemptFor(laneOf(input.waiter_class));
  return { victim: victim === undefined ? null : input.inflight[victim.id]?.id };
}

function firstByteRace(input: { ops: string[] }) {
  const race = new FirstByteRace();
  return { results: input.ops.map((op) => (op === 'preempt' ? race.preempt() : race.firstByte())) };
}

const ERRORS: Readonly<Record<string, string>> = {
  queueTimeout: 'ZeroQueueTimeout',
  starvation: 'ZeroStarvationThreshold',
  reservedPerSlot: 'InvalidReservedPerSlot',
};

interface Override {
  queue_size?: number;
  queue_timeout_secs?: number;
  starvation_threshold_secs?: number;
  reserved_floor?: number;
  reserved_per_slot?: number | string;
  can_preempt?: boolean;
}

function settingsValidation({ class_override: given }: { class_override: Override }) {
  const seconds = (value: number | undefined) => (value === undefined ? undefined : `${value}s`);
  const bulk = {
    queueSize: given.queue_size,
    queueTimeout: seconds(given.queue_timeout_secs),
    starvation: seconds(given.starvation_threshold_secs),
    reservedFloor: given.reserved_floor,
    reservedPerSlot: given.reserved_per_slot === undefined ? undefined : Number(given.reserved_per_slot),
    canPreempt: given.can_preempt,
  };
  const parsed = priority.config.safeParse({ name: 'priority', classes: { bulk } });
  const field = parsed.error?.issues[0]?.path[2];
  return { error: field === undefined ? null : (ERRORS[String(field)] ?? field) };
}

function classDefaults({ class: name }: { class: PriorityClass }) {
  const settings = historic(priority).classes[name];
  return {
    reserved_floor: settings.reservedFloor,
    reserved_per_slot: settings.reservedPerSlot,
    queue_size: settings.queueSize,
    queue_timeout_secs: settings.queueTimeout / 1e6,
    starvation_threshold_secs: settings.starvation / 1e6,
    can_preempt: settings.canPreempt,
  };
}

function httpMapping({ rejection }: { rejection: string }) {
  const name = (rejection === 'rps_limit' ? 'rate-limited' : rejection.replace('_', '-')) as Rejection;
  const { status, code, retryAfterSec, preempted } = REJECTION_REPLIES[name];
  const retry_after = retryAfterSec === undefined ? null : String(retryAfterSec);
  return { status, code, retry_after, ...(preempted ? { 'x-smg-preempted': 'true' } : {}) };
}

export const priorityGroups: Handlers = {
  dispatcher_wake: dispatcherWake,
  preemption_victim: preemptionVictim,
  first_byte_race: firstByteRace,
  scheduler_class_defaults: classDefaults,
  scheduler_settings_validation: settingsValidation,
  scheduler_http_mapping: httpMapping,
};
