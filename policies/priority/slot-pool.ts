/**
 * The slots and who is in them. A class may take a slot as long as, with it, every higher class could still
 * fill its own reservation; its own reservation never limits it, and what a higher class has in use of its
 * reservation is no longer held back for it. So a lower class's reservation protects it from classes below, not
 * above. Source: smg middleware/scheduler/{slots,engine}.rs at 73da68ca9, where all counts are unsigned 16-bit
 * and saturate.
 */

/** Capacity, and by lane what is reserved and in use. */
export type PoolState = readonly [number, readonly number[], readonly number[]];

export class SlotPool {
  #capacity: number;
  #reserved: readonly number[];
  readonly #inFlight: number[];
  #total = 0;

  /** `reserved` and `inFlight` per lane. */
  constructor(capacity: number, reserved: readonly number[], inFlight: readonly number[] = reserved.map(() => 0)) {
    this.#capacity = capacity;
    this.#reserved = reserved;
    this.#inFlight = [...inFlight];
    for (const slots of inFlight) this.#total += slots;
  }

  get capacity(): number {
    return this.#capacity;
  }

  get reserved(): readonly number[] {
    return this.#reserved;
  }

  get inFlight(): readonly number[] {
    return this.#inFlight;
  }

  /** Some slot is free for somebody. */
  get hasFree(): boolean {
    return this.#total < this.#capacity;
  }

  /** Slots the class may still take; negative when it is that far from having one. */
  margin(lane: number): number {
    let held = 0;
    for (let above = lane + 1; above < this.#reserved.length; above++) {
      held += Math.max(0, (this.#reserved[above] as number) - (this.#inFlight[above] as number));
    }
    return this.#capacity - this.#total - held;
  }

  free(lane: number): number {
    return Math.max(0, this.margin(lane));
  }

  acquire(lane: number): boolean {
    if (this.margin(lane) < 1) return false;
    this.#count(lane, 1);
    return true;
  }

  /** Takes a slot whatever is reserved; never beyond the capacity. */
  acquireIgnoringReservations(lane: number): boolean {
    if (!this.hasFree) return false;
    this.#count(lane, 1);
    return true;
  }

  /** A class that holds none releases nothing. */
  release(lane: number): void {
    if ((this.#inFlight[lane] as number) > 0) this.#count(lane, -1);
  }

  /** Those above a shrunk capacity keep their slots. True when it grew: someone who waits may fit now. */
  resize(capacity: number, reserved: readonly number[]): boolean {
    const grew = capacity > this.#capacity;
    this.#capacity = capacity;
    this.#reserved = reserved;
    return grew;
  }

  /**
   * 0 to 1: how full the class's queue is, or what it holds beyond its reservation of what it may reach; the
   * worse.
   */
  pressure(lane: number, queueDepth: number, queueLimit: number): number {
    let reservedAbove = 0;
    for (let above = lane + 1; above < this.#reserved.length; above++) reservedAbove += this.#reserved[above] as number;
    const beyond = Math.max(0, (this.#inFlight[lane] as number) - (this.#reserved[lane] as number));
    const ofSlots = beyond / Math.max(1, this.#capacity - reservedAbove);
    return Math.min(1, Math.max(queueLimit === 0 ? 0 : queueDepth / queueLimit, ofSlots));
  }

  snapshot(): PoolState {
    return [this.#capacity, this.#reserved, this.#inFlight];
  }

  restore([capacity, reserved, inFlight]: PoolState): void {
    this.#capacity = capacity;
    this.#reserved = reserved;
    this.#total = 0;
    for (const [lane, slots] of inFlight.entries()) {
      this.#inFlight[lane] = slots;
      this.#total += slots;
    }
  }

  #count(lane: number, slots: 1 | -1): void {
    this.#inFlight[lane] = (this.#inFlight[lane] as number) + slots;
    this.#total += slots;
  }
}
