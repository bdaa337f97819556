// The constants of the YUV matrices (ITU-R BT.601, BT.709, BT.2020), and which one a clip means. Pure.

export type ColourMatrix = 'bt601' | 'bt709' | 'bt2020' | 'rgb';

export interface ColourTags {
  readonly matrix: ColourMatrix;
  readonly fullRange: boolean;
}

/** Weights of red and blue in luma; green's is the rest. */
export const LUMA_WEIGHTS: Readonly<
  Record<Exclude<ColourMatrix, 'rgb'>, { readonly red: number; readonly blue: number }>
> = {
  bt601: { red: 0.299, blue: 0.114 },
  bt709: { red: 0.2126, blue: 0.0722 },
  bt2020: { red: 0.2627, blue: 0.0593 },
};

/** From the name that WebCodecs gives a matrix; undefined where the stream has none. */
export function matrixOfName(name: string | null): ColourMatrix | undefined {
  if (name === null) return undefined;
  if (name === 'bt709') return 'bt709';
  if (name === 'bt2020-ncl') return 'bt2020';
  if (name === 'rgb') return 'rgb';
  return 'bt601';
}

/** From `matrix_coefficients` of ISO/IEC 23091-2; undefined where unspecified. */
export function matrixOfCode(code: number | undefined): ColourMatrix | undefined {
  if (code === undefined || code === 2) return undefined;
  if (code === 0) return 'rgb';
  if (code === 1) return 'bt709';
  if (code === 9) return 'bt2020';
  return 'bt601';
}
