/**
 * XXH3 with 64 bits and seed 0, the hash by which smg turns prompt tokens into a ring key. Not cryptographic; equal to
 * upstream's bit for bit, so that a fleet that mixes both gateways sends a prefix to one worker. Written from the
 * algorithm's description (Y. Collet, xxHash 0.8, doc/xxhash_spec.md), without BigInt: see word64.ts.
 *
 * By length: up to 16 bytes a few multiplications, to 240 bytes one folded multiplication per 16 bytes, above that
 * eight accumulators over stripes of 64 bytes, scrambled after each block of 1,024.
 */
import { Word64 } from './word64.ts';

const STRIPE = 64;
const SECRET_BYTES = 192;
const BLOCK = ((SECRET_BYTES - STRIPE) / 8) * STRIPE;
/** The published default secret. */
const SECRET_HEX =
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221' +
  'b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8' +
  'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb' +
  '170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e';
const SECRET = secretView();

function secretView(): DataView {
  const view = new DataView(new ArrayBuffer(SECRET_BYTES));
  for (let i = 0; i < SECRET_BYTES; i++) view.setUint8(i, Number.parseInt(SECRET_HEX.slice(2 * i, 2 * i + 2), 16));
  return view;
}

/** Hash of the first `length` bytes. The answer is the caller's. */
export function xxh3(bytes: DataView, length = bytes.byteLength): Word64 {
  if (length > 240) return hashLong(bytes, length);
  if (length > 128) return hashTo240(bytes, length);
  if (length > 16) return hashTo128(bytes, length);
  if (length > 8) return hashTo16(bytes, length);
  if (length >= 4) return hashTo8(bytes, length);
  return hashTo3(bytes, length);
}

/** Lower and upper half of the 64-bit little-endian number at `at`, and of the secret's. */
const lowOf = (bytes: DataView, at: number) => bytes.getUint32(at, true);
const highOf = (bytes: DataView, at: number) => bytes.getUint32(at + 4, true);

function secretPair(first: number, second: number): Word64 {
  return new Word64(highOf(SECRET, first), lowOf(SECRET, first)).xor(highOf(SECRET, second), lowOf(SECRET, second));
}

function avalanche(hash: Word64): Word64 {
  return hash.xorShift(37).multiply(0x16566791, 0x9e3779f9).xorShift(32);
}

function hashTo3(bytes: DataView, length: number): Word64 {
  const hash = length === 0 ? secretPair(56, 64) : new Word64(0, lowOf(SECRET, 0) ^ highOf(SECRET, 0));
  if (length > 0) {
    const [first, middle, last] = [bytes.getUint8(0), bytes.getUint8(length >> 1), bytes.getUint8(length - 1)];
    hash.xor(0, (first << 16) | (middle << 24) | last | (length << 8));
  }
  return hash.xorShift(33).multiply(0xc2b2ae3d, 0x27d4eb4f).xorShift(29).multiply(0x165667b1, 0x9e3779f9).xorShift(32);
}

function hashTo8(bytes: DataView, length: number): Word64 {
  const hash = secretPair(8, 16).xor(lowOf(bytes, 0), lowOf(bytes, length - 4));
  const turned49 = new Word64(hash.low, hash.high).rotateLeft(17);
  const turned24 = new Word64(hash.high, hash.low).rotateLeft(24);
  hash.xor(turned49.high, turned49.low).xor(turned24.high, turned24.low).multiply(0x9fb21c65, 0x1e98df25);
  const shifted = new Word64(0, hash.high >>> 3).add(0, length);
  return hash.xor(shifted.high, shifted.low).multiply(0x9fb21c65, 0x1e98df25).xorShift(28);
}

function hashTo16(bytes: DataView, length: number): Word64 {
  const low = secretPair(24, 32).xor(highOf(bytes, 0), lowOf(bytes, 0));
  const high = secretPair(40, 48).xor(highOf(bytes, length - 8), lowOf(bytes, length - 8));
  const hash = new Word64(low.high, low.low).swapBytes().add(0, length).add(high.high, high.low);
  low.foldMultiply(high.high, high.low);
  return avalanche(hash.add(low.high, low.low));
}

/** Adds 16 bytes of input, mixed with 16 of the secret. */
function mix(hash: Word64, bytes: DataView, at: number, secretAt: number): void {
  const word = new Word64(highOf(bytes, at) ^ highOf(SECRET, secretAt), lowOf(bytes, at) ^ lowOf(SECRET, secretAt));
  const high = highOf(bytes, at + 8) ^ highOf(SECRET, secretAt + 8);
  word.foldMultiply(high >>> 0, (lowOf(bytes, at + 8) ^ lowOf(SECRET, secretAt + 8)) >>> 0);
  hash.add(word.high, word.low);
}

function lengthTimesPrime(length: number): Word64 {
  return new Word64(0, length).multiply(0x9e3779b1, 0x85ebca87);
}

function hashTo128(bytes: DataView, length: number): Word64 {
  const hash = lengthTimesPrime(length);
  for (let pair = (length - 1) >> 5; pair >= 0; pair--) {
    mix(hash, bytes, 16 * pair, 32 * pair);
    mix(hash, bytes, length - 16 * (pair + 1), 32 * pair + 16);
  }
  return avalanche(hash);
}

function hashTo240(bytes: DataView, length: number): Word64 {
  const hash = lengthTimesPrime(length);
  for (let i = 0; i < 8; i++) mix(hash, bytes, 16 * i, 16 * i);
  avalanche(hash);
  for (let i = 8; i < length >> 4; i++) mix(hash, bytes, 16 * i, 16 * (i - 8) + 3);
  mix(hash, bytes, length - 16, 136 - 17);
  return avalanche(hash);
}

function hashLong(bytes: DataView, length: number): Word64 {
  const lanes = initialLanes();
  const blocks = Math.floor((length - 1) / BLOCK);
  for (let block = 0; block < blocks; block++) {
    for (let at = 0; at < BLOCK; at += STRIPE) accumulate(lanes, bytes, block * BLOCK + at, at >> 3);
    scramble(lanes);
  }
  const rest = blocks * BLOCK;
  const stripes = Math.floor((length - 1 - rest) / STRIPE);
  for (let i = 0; i < stripes; i++) accumulate(lanes, bytes, rest + i * STRIPE, 8 * i);
  accumulate(lanes, bytes, length - STRIPE, SECRET_BYTES - STRIPE - 7);
  const hash = lengthTimesPrime(length);
  for (let i = 0; i < 8; i += 2) {
    const first = lanes[i] as Word64;
    const second = lanes[i + 1] as Word64;
    const at = 11 + 8 * i;
    second.xor(highOf(SECRET, at + 8), lowOf(SECRET, at + 8));
    first.xor(highOf(SECRET, at), lowOf(SECRET, at)).foldMultiply(second.high, second.low);
    hash.add(first.high, first.low);
  }
  return avalanche(hash);
}

function initialLanes(): Word64[] {
  return [
    new Word64(0, 0xc2b2ae3d),
    new Word64(0x9e3779b1, 0x85ebca87),
    new Word64(0xc2b2ae3d, 0x27d4eb4f),
    new Word64(0x165667b1, 0x9e3779f9),
    new Word64(0x85ebca77, 0xc2b2ae63),
    new Word64(0, 0x85ebca77),
    new Word64(0x27d4eb2f, 0x165667c5),
    new Word64(0, 0x9e3779b1),
  ];
}

function accumulate(lanes: Word64[], bytes: DataView, at: number, secretAt: number): void {
  for (let i = 0; i < 8; i++) {
    const low = lowOf(bytes, at + 8 * i);
    const high = highOf(bytes, at + 8 * i);
    (lanes[i ^ 1] as Word64).add(high, low);
    const keyLow = (low ^ lowOf(SECRET, secretAt + 8 * i)) >>> 0;
    const keyHigh = (high ^ highOf(SECRET, secretAt + 8 * i)) >>> 0;
    (lanes[i] as Word64).addProduct(keyLow, keyHigh);
  }
}

function scramble(lanes: Word64[]): void {
  for (const [i, lane] of lanes.entries()) {
    const at = SECRET_BYTES - STRIPE + 8 * i;
    lane.xorShift(47).xor(highOf(SECRET, at), lowOf(SECRET, at)).multiply(0, 0x9e3779b1);
  }
}
