// IEEE 754 half precision to and from float32, over plain Uint16Array bits. ONNX Runtime's Node binding cannot
// read a Float16Array and not every Node has one. Knows nothing of tensors or sessions.

/** Each of the 65,536 bit patterns as a float32; made once, 256 KiB. */
const floatByHalf = buildTable();
const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** Exact: every half is a float32. NaN stays NaN, infinity stays infinity. */
export function floatsFromHalves(halves: Uint16Array): Float32Array {
  const floats = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i += 1) floats[i] = floatByHalf[halves[i]!]!;
  return floats;
}

/** Rounds to nearest, ties to even; beyond 65,520 becomes infinity (IEEE 754-2019, 4.3.1). */
export function halvesFromFloats(floats: Float32Array): Uint16Array {
  const halves = new Uint16Array(floats.length);
  for (let i = 0; i < floats.length; i += 1) halves[i] = halfFromFloat(floats[i]!);
  return halves;
}

function halfFromFloat(value: number): number {
  scratch[0] = value;
  const bits = scratchBits[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // 65,520 and above
  if (magnitude < 0x38800000) {
    // Below 2^-14 a half counts in steps of 2^-24, so the value in those steps, rounded, is its bits.
    return sign | roundTiesToEven(Math.abs(value) * 2 ** 24);
  }
  // Rebias the exponent from 127 to 15, then round away the 13 bits that do not fit.
  const rebased = magnitude - (112 << 23);
  return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
}

function roundTiesToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

function buildTable(): Float32Array {
  const table = new Float32Array(65_536);
  for (let half = 0; half < table.length; half += 1) {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >>> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0x1f) table[half] = fraction === 0 ? sign * Infinity : NaN;
    else if (exponent === 0) table[half] = sign * fraction * 2 ** -24;
    else table[half] = sign * (1024 + fraction) * 2 ** (exponent - 25);
  }
  return table;
}
