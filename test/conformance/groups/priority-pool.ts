/** smg middleware/scheduler/{class,slots,engine}.rs: classes, reservations and slots. */
import { clampClass, laneOf, parseClass, type PriorityClass } from '../../../policies/priority/classes.ts';
import { clampReservations, desiredReservations, fits } from '../../../policies/priority/reservations.ts';
import { SlotPool } from '../../../policies/priority/slot-pool.ts';
import type { Handlers } from './handler.ts';

interface Pool {
  capacity: number;
  reserved: number[];
  inflight: number[];
  class: PriorityClass;
}

interface Entitlements {
  floor: number[];
  per_slot: number[];
}

function entitlements({ floor, per_slot }: Entitlements) {
  return floor.map((reservedFloor, lane) => ({ reservedFloor, reservedPerSlot: per_slot[lane] as number }));
}

function slotPool(input: { capacity: number; reserved: number[]; ops: string[] }) {
  const pool = new SlotPool(input.capacity, input.reserved);
  const results = input.ops.map((op) => {
    const [kind, value = ''] = op.split(':');
    if (kind === 'acq') return pool.acquire(laneOf(value as PriorityClass));
    if (kind === 'starve') return pool.acquireIgnoringReservations(laneOf(value as PriorityClass));
    if (kind === 'rel') pool.release(laneOf(value as PriorityClass));
    else if (kind === 'cap') pool.resize(Number(value), input.reserved);
    else throw new Error(`unknown op ${op}`);
    return null;
  });
  return { results, inflight: pool.inFlight };
}

export const priorityPoolGroups: Handlers = {
  priority_header: (input: { 'x-smg-priority'?: string | null }) => ({
    value: parseClass(input['x-smg-priority'] ?? undefined),
  }),
  tenant_class_clamp: (input: { requested: PriorityClass; tenant_max_class: PriorityClass }) => ({
    value: clampClass(input.requested, input.tenant_max_class),
  }),
  slots_available: (input: Pool) => ({
    value: new SlotPool(input.capacity, input.reserved, input.inflight).free(laneOf(input.class)),
  }),
  slot_pool: slotPool,
  scheduler_reservations: (input: Entitlements & { capacity: number }) => {
    const desired = desiredReservations(entitlements(input), input.capacity);
    return {
      desired,
      total: desired.reduce((sum, slots) => sum + slots, 0),
      constructor_ok: fits(desired, input.capacity),
      runtime_effective: clampReservations(desired, input.capacity),
    };
  },
  scheduler_clamp: (input: { desired: number[]; capacity: number }) => ({
    sequence: clampReservations(input.desired, input.capacity),
  }),
  scheduler_apply_capacity: (input: Entitlements & { initial_capacity: number; then: number[] }) => {
    const reservedAt = (capacity: number) =>
      clampReservations(desiredReservations(entitlements(input), capacity), capacity);
    const pool = new SlotPool(input.initial_capacity, reservedAt(input.initial_capacity));
    const sequence = input.then.map((capacity) => {
      const dispatcher_kicked = pool.resize(capacity, reservedAt(capacity));
      return { capacity: pool.capacity, reserved: pool.reserved, dispatcher_kicked };
    });
    return { sequence };
  },
  class_pressure: (
    input: Omit<Pool, 'inflight'> & { inflight: number; queue_depth: number; queue_limit: number },
  ) => {
    const lane = laneOf(input.class);
    const inFlight = input.reserved.map((_slots, each) => (each === lane ? input.inflight : 0));
    const pool = new SlotPool(input.capacity, input.reserved, inFlight);
    return { value: pool.pressure(lane, input.queue_depth, input.queue_limit) };
  },
};
