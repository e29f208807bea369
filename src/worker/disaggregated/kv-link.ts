/**
 * The link over which KV travels: transfers under way share its bandwidth evenly (processor sharing), so many at most;
 * others wait their turn. What was sent whole arrives a fixed latency later and no longer needs bandwidth.
 *
 * Progress is kept as one number: the bytes that each transfer under way has been given since the link was last idle.
 * A transfer ends when that has grown by its size, whoever came and went meanwhile. Ends are rounded up to whole
 * microseconds.
 */
import { assert } from '../../kernel/assert.ts';
import { NO_TIME } from '../worker.ts';
import type { KvLinkConfig } from './disaggregated-config.ts';

/** One transfer as the link sees it; the link alone writes these. */
export interface Transfer {
  /** Bytes to send, ≥ 0. */
  bytes: number;
  /** While it is under way: the link's count of given bytes at which it ends. */
  endsAfter: number;
  /** When it arrives, once it was sent. */
  arrivesAt: number;
}

export class KvLink<T extends Transfer> {
  readonly #config: KvLinkConfig;
  readonly #waiting = new Set<T>();
  readonly #underWay = new Set<T>();
  readonly #sent = new Set<T>();
  #factor = 1;
  /** Bytes given to each transfer under way, as of `#countedAt`. */
  #given = NO_TIME;
  #countedAt = NO_TIME;
  /** When the first of them is sent. */
  #sentAt = Infinity;

  constructor(config: KvLinkConfig) {
    this.#config = config;
  }

  /** Transfers that wait for their turn. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** All transfers: waiting, under way, or sent and not there. */
  get size(): number {
    return this.#waiting.size + this.#underWay.size + this.#sent.size;
  }

  begin(now: number, transfer: T): void {
    this.#waiting.add(transfer);
    this.#fill(now);
  }

  /** Gives a transfer up, whatever became of it so far. */
  abort(now: number, transfer: T): void {
    if (this.#sent.delete(transfer) || this.#waiting.delete(transfer)) return;
    this.#count(now);
    assert(this.#underWay.delete(transfer), 'a KV transfer was aborted that is not on the link');
    this.#fill(now);
  }

  /** Carries `factor` times its bandwidth from now on; 0: nothing. */
  throttle(now: number, factor: number): void {
    this.#count(now);
    this.#factor = factor;
    this.#arm(now);
  }

  /** The link stood still for so long. */
  delay(us: number): void {
    this.#countedAt += us;
    for (const transfer of this.#sent) transfer.arrivesAt += us;
    if (this.#sentAt < Infinity) this.#sentAt += us;
  }

  /** When something is sent or arrives. */
  nextAt(): number {
    const [first] = this.#sent;
    return Math.min(this.#sentAt, first?.arrivesAt ?? Infinity);
  }

  /** What has arrived by `now`, in order. */
  arrived(now: number): T[] {
    if (this.#sentAt <= now) this.#send(now);
    const out: T[] = [];
    for (const transfer of this.#sent) {
      if (transfer.arrivesAt > now) break;
      this.#sent.delete(transfer);
      out.push(transfer);
    }
    return out;
  }

  clear(): void {
    this.#waiting.clear();
    this.#underWay.clear();
    this.#sent.clear();
    this.#sentAt = Infinity;
  }

  checkInvariants(): void {
    assert(this.#underWay.size <= this.#config.concurrentMax, 'more KV transfers are under way than may be');
    const idle = this.#underWay.size < this.#config.concurrentMax;
    assert(this.#waiting.size === 0 || !idle, 'a KV transfer waits beside a free link');
  }

  #send(now: number): void {
    let least = Infinity;
    for (const { endsAfter } of this.#underWay) if (endsAfter < least) least = endsAfter;
    this.#count(now);
    // The instant was rounded up: the first is over by then, whatever the sums were rounded to.
    const over = Math.max(least, this.#given);
    for (const transfer of this.#underWay) {
      if (transfer.endsAfter > over) continue;
      this.#underWay.delete(transfer);
      transfer.arrivesAt = now + this.#config.latencyUs;
      this.#sent.add(transfer);
    }
    this.#fill(now);
  }

  #fill(now: number): void {
    this.#count(now);
    for (const transfer of this.#waiting) {
      if (this.#underWay.size >= this.#config.concurrentMax) break;
      this.#waiting.delete(transfer);
      transfer.endsAfter = this.#given + transfer.bytes;
      this.#underWay.add(transfer);
    }
    this.#arm(now);
  }

  /** Brings `#given` to `now`. */
  #count(now: number): void {
    const sharing = this.#underWay.size;
    if (sharing === 0) this.#given = NO_TIME;
    else this.#given += ((now - this.#countedAt) * this.#config.bytesPerUs * this.#factor) / sharing;
    this.#countedAt = now;
  }

  #arm(now: number): void {
    let least = Infinity;
    for (const { endsAfter } of this.#underWay) if (endsAfter < least) least = endsAfter;
    const bytes = Math.max(0, least - this.#given) * this.#underWay.size;
    const rate = this.#config.bytesPerUs * this.#factor;
    if (least === Infinity) this.#sentAt = Infinity;
    else this.#sentAt = bytes === 0 ? now : now + Math.ceil(bytes / rate);
  }
}
