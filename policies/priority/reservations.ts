/**
 * How many slots each class is entitled to at a given capacity: a floor or a share of the capacity, whichever
 * is more, rounded up. What does not fit together is cut from below: system is served first, bulk last. Both
 * are recomputed from the settings at every change of capacity, so a fleet that recovers gets its reservations
 * back. An unlimited capacity reserves nothing. Source: smg middleware/scheduler/engine.rs at 73da68ca9.
 *
 * We differ in two ways by default, both because a slot that is kept for nobody serves nobody: classes that no tenant
 * may have reserve nothing (`reserveFor`), and some slots are left to everyone (`unreserved`). As smg has it, a fleet
 * of 160 slots or fewer with the built-in classes keeps all of them for classes that nobody may have, and lets one
 * waiter in per starvation threshold while it idles.
 */
import { CLASSES, laneOf } from './classes.ts';
import type { PriorityConfig } from './config.ts';

export interface Entitlement {
  /** Slots. */
  readonly reservedFloor: number;
  /** Slots per slot of capacity, ≥ 0. */
  readonly reservedPerSlot: number;
}

/** Slots wanted per class, bulk first. */
export function desiredReservations(classes: readonly Entitlement[], capacity: number): number[] {
  if (capacity === Infinity) return classes.map(() => 0);
  return classes.map(({ reservedFloor, reservedPerSlot }) =>
    Math.min(capacity, Math.max(reservedFloor, Math.ceil(reservedPerSlot * capacity))),
  );
}

/** The same, cut to what the capacity holds. */
export function clampReservations(desired: readonly number[], capacity: number): number[] {
  const clamped = desired.map(() => 0);
  let left = capacity;
  for (let lane = desired.length - 1; lane >= 0; lane--) {
    clamped[lane] = Math.min(desired[lane] as number, left);
    left -= clamped[lane] as number;
  }
  return clamped;
}

/** Slots kept for each class at this capacity. */
export function reservationsOf(config: PriorityConfig, capacity: number): number[] {
  const highest = config.reserveFor === 'all' ? CLASSES.length - 1 : highestLane(config);
  const entitled = CLASSES.map((name, lane) => (lane <= highest ? config.classes[name] : NOTHING));
  return clampReservations(desiredReservations(entitled, capacity), Math.max(0, capacity - config.unreserved));
}

const NOTHING: Entitlement = { reservedFloor: 0, reservedPerSlot: 0 };

/** Of the classes that some tenant may have. */
function highestLane({ defaultMaxClass, tenants }: PriorityConfig): number {
  return Math.max(laneOf(defaultMaxClass), ...Object.values(tenants).map(laneOf));
}

/** Whether every class can have what it wants at once. */
export function fits(desired: readonly number[], capacity: number): boolean {
  return desired.reduce((sum, slots) => sum + slots, 0) <= capacity;
}
