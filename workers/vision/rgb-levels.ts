// A colour picture whose levels need not be whole: an RgbImage, or one that is still being worked on.

/** Row-major, red, green and blue of each pixel, 0..255. */
export interface RgbLevels {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array | Float32Array;
}
