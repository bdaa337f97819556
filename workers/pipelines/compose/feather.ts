// How much of each pixel is drawn: all where it is hidden, less and less of it around, nothing beyond the feather. Pure.

export interface FeatherOptions {
  readonly height: number;
  readonly width: number;
  /** Whole pixels. */
  readonly feather: number;
}

/** `hidden`, row-major: 1 where a pixel is hidden. By each pixel's distance to the nearest hidden one: 1 at 0, less by 1 / (`feather` + 1) a pixel, 0 beyond `feather`. */
export function featheredShare(
  hidden: Uint8Array,
  { height, width, feather }: FeatherOptions,
): Float64Array {
  const reach = feather + 1;
  const across = distancesInRows(hidden, { height, width, reach });
  const share = new Float64Array(height * width);
  for (let y = 0; y < height; y += 1) {
    const [first, last] = [Math.max(0, y - feather), Math.min(height - 1, y + feather)];
    for (let x = 0; x < width; x += 1) {
      let nearest = reach * reach;
      for (let row = first; row <= last; row += 1) {
        const dx = across[row * width + x]!;
        nearest = Math.min(nearest, dx * dx + (row - y) * (row - y));
      }
      const distance = Math.sqrt(nearest);
      share[y * width + x] = distance > feather ? 0 : 1 - distance / reach;
    }
  }
  return share;
}

/** To the nearest hidden pixel of the same row, `reach` at most. */
function distancesInRows(
  hidden: Uint8Array,
  { height, width, reach }: { height: number; width: number; reach: number },
): Float64Array {
  const distances = new Float64Array(height * width).fill(reach);
  for (let y = 0; y < height; y += 1) {
    const row = distances.subarray(y * width, (y + 1) * width);
    let left = reach;
    let right = reach;
    for (let x = 0; x < width; x += 1) {
      left = hidden[y * width + x] === 1 ? 0 : Math.min(reach, left + 1);
      row[x] = Math.min(row[x]!, left);
      const mirrored = width - 1 - x;
      right = hidden[y * width + mirrored] === 1 ? 0 : Math.min(reach, right + 1);
      row[mirrored] = Math.min(row[mirrored]!, right);
    }
  }
  return distances;
}
