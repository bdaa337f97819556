// Philox4x32-10, a counter-based generator: the same key and counter give the same bits anywhere, in any order. From
// Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011), section 3.3 and its Random123 library.

/** Four unsigned 32-bit words. */
export type Words4 = readonly [number, number, number, number];
export type Words2 = readonly [number, number];

const ROUNDS = 10;
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
/** Golden ratio and sqrt(3) - 1, as 32-bit fractions: what the key grows by each round. */
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** The random block that belongs to a counter under a key. All words are unsigned. */
export function philox4x32(counter: Words4, key: Words2): Words4 {
  let [x0, x1, x2, x3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round += 1) {
    const high0 = highProduct(MULTIPLIER_0, x0);
    const low0 = Math.imul(MULTIPLIER_0, x0);
    const high1 = highProduct(MULTIPLIER_1, x2);
    const low1 = Math.imul(MULTIPLIER_1, x2);
    [x0, x1, x2, x3] = [high1 ^ x1 ^ k0, low1, high0 ^ x3 ^ k1, low0];
    k0 = (k0 + WEYL_0) | 0;
    k1 = (k1 + WEYL_1) | 0;
  }
  return [x0 >>> 0, x1 >>> 0, x2 >>> 0, x3 >>> 0];
}

/** Upper 32 bits of the 64-bit product of two unsigned words, from products of their halves. */
function highProduct(a: number, b: number): number {
  const [aLow, aHigh] = [a & 0xffff, a >>> 16];
  const [bLow, bHigh] = [b & 0xffff, b >>> 16];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + (middle >>> 16) + (carry >>> 16)) >>> 0;
}
