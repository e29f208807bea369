/**
 * Unsigned 64-bit arithmetic in two 32-bit halves: what the hash functions need and no more. A hash of a few words
 * costs under a microsecond this way; BigInt allocates at every step and takes some tens. A word is mutable and owned
 * by whoever made it; every operation changes it in place and answers it.
 */

const WORD = 0x1_0000_0000;

/** Upper 32 bits of the product of two unsigned 32-bit numbers, by 16-bit halves: no intermediate exceeds 2^53. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carried = aLow * bHigh + (middle & 0xffff);
  return aHigh * bHigh + (middle >>> 16) + (carried >>> 16);
}

function multiplyLow(a: number, b: number): number {
  return Math.imul(a, b) >>> 0;
}

export class Word64 {
  /** Upper and lower half, each a whole number from 0 to 2^32 − 1. */
  high: number;
  low: number;

  constructor(high = 0, low = 0) {
    this.high = high >>> 0;
    this.low = low >>> 0;
  }

  set(high: number, low: number): this {
    this.high = high >>> 0;
    this.low = low >>> 0;
    return this;
  }

  xor(high: number, low: number): this {
    return this.set(this.high ^ high, this.low ^ low);
  }

  add(high: number, low: number): this {
    const sum = this.low + low;
    return this.set(this.high + high + (sum >= WORD ? 1 : 0), sum);
  }

  /** Lower 64 bits of the product. */
  multiply(high: number, low: number): this {
    const carried = multiplyHigh(this.low, low) + multiplyLow(this.low, high) + multiplyLow(this.high, low);
    return this.set(carried, Math.imul(this.low, low));
  }

  /** Adds the whole product of two 32-bit numbers. */
  addProduct(a: number, b: number): this {
    return this.add(multiplyHigh(a, b), multiplyLow(a, b));
  }

  /** The two halves of the 128-bit product, xored. */
  foldMultiply(high: number, low: number): this {
    const second = multiplyHigh(this.low, low) + multiplyLow(this.low, high) + multiplyLow(this.high, low);
    const third =
      multiplyHigh(this.low, high) +
      multiplyHigh(this.high, low) +
      multiplyLow(this.high, high) +
      Math.floor(second / WORD);
    const fourth = multiplyHigh(this.high, high) + Math.floor(third / WORD);
    return this.set(second ^ fourth, Math.imul(this.low, low) ^ third);
  }

  /** x ^= x >>> bits, for 1 to 63 bits. */
  xorShift(bits: number): this {
    if (bits >= 32) return this.xor(0, this.high >>> (bits - 32));
    return this.xor(this.high >>> bits, (this.high << (32 - bits)) | (this.low >>> bits));
  }

  /** For 1 to 31 bits. */
  rotateLeft(bits: number): this {
    const high = (this.high << bits) | (this.low >>> (32 - bits));
    return this.set(high, (this.low << bits) | (this.high >>> (32 - bits)));
  }

  /** Reverses the eight bytes. */
  swapBytes(): this {
    return this.set(swap32(this.low), swap32(this.high));
  }

  /** Sixteen lower-case hexadecimal digits. */
  hex(): string {
    return hex32(this.high) + hex32(this.low);
  }

  /** Remainder by a divisor from 1 to 2^20. */
  modulo(divisor: number): number {
    return ((this.high % divisor) * (WORD % divisor) + (this.low % divisor)) % divisor;
  }
}

function swap32(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

function hex32(word: number): string {
  return word.toString(16).padStart(8, '0');
}
