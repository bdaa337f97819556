// What a clip's colour tags mean, what is assumed where it has none, and which filters bring it to the 8-bit sRGB that models take. Pure.
// Numbers are those of ISO/IEC 23091-2, which FFmpeg uses too.

import {
  AVCOL_PRI_BT2020,
  AVCOL_PRI_SMPTE431,
  AVCOL_PRI_SMPTE432,
  AVCOL_RANGE_JPEG,
  AVCOL_SPC_BT2020_NCL,
  AVCOL_SPC_BT470BG,
  AVCOL_SPC_BT709,
  AVCOL_SPC_FCC,
  AVCOL_SPC_RGB,
  AVCOL_SPC_SMPTE170M,
  AVCOL_SPC_SMPTE240M,
  AVCOL_SPC_UNSPECIFIED,
  AVCOL_TRC_ARIB_STD_B67,
  AVCOL_TRC_LINEAR,
  AVCOL_TRC_SMPTE2084,
} from 'node-av/constants';

import type { ColourFacts } from '../media-types.ts';

export interface ColourTags {
  readonly matrix: number;
  readonly primaries: number;
  readonly transfer: number;
  readonly range: number;
}

/** Those that FFmpeg's own scaler knows. The rest (YCgCo, constant luminance, ICtCp) is left to zimg. */
const SCALER_MATRICES = new Set<number>([
  AVCOL_SPC_RGB,
  AVCOL_SPC_BT709,
  AVCOL_SPC_UNSPECIFIED,
  AVCOL_SPC_FCC,
  AVCOL_SPC_BT470BG,
  AVCOL_SPC_SMPTE170M,
  AVCOL_SPC_SMPTE240M,
  AVCOL_SPC_BT2020_NCL,
]);
const WIDE_PRIMARIES = new Set<number>([AVCOL_PRI_BT2020, AVCOL_PRI_SMPTE431, AVCOL_PRI_SMPTE432]);
const HDR_TRANSFERS = new Set<number>([AVCOL_TRC_SMPTE2084, AVCOL_TRC_ARIB_STD_B67]);

/** The tags, and for those that say nothing the other ones. */
export function withTagsOf(other: ColourTags, tags: ColourTags): ColourTags {
  // "Unspecified" is 2 in all three lists.
  const known = (a: number, b: number): number => (a === AVCOL_SPC_UNSPECIFIED ? b : a);
  return {
    matrix: known(tags.matrix, other.matrix),
    primaries: known(tags.primaries, other.primaries),
    transfer: known(tags.transfer, other.transfer),
    range: tags.range === 0 ? other.range : tags.range,
  };
}

export function colourTreatment({ primaries, transfer }: ColourTags): ColourFacts['treatment'] {
  if (HDR_TRANSFERS.has(transfer)) return 'tone-map';
  return WIDE_PRIMARIES.has(primaries) || transfer === AVCOL_TRC_LINEAR ? 'wide-gamut' : 'matrix';
}

/**
 * The tags to go by: a clip without a matrix counts as BT.601, one without a range as limited, which is what FFmpeg, and so OpenCV and
 * decord, take them for; HDR without a matrix or primaries as BT.2020, which its standards (BT.2100) ask for.
 */
export function assumedTags(tags: ColourTags, isRgb: boolean): ColourTags {
  const hdr = HDR_TRANSFERS.has(tags.transfer);
  const unknown = (value: number): boolean => value === AVCOL_SPC_UNSPECIFIED;
  const matrix = isRgb
    ? AVCOL_SPC_RGB
    : unknown(tags.matrix)
      ? hdr
        ? AVCOL_SPC_BT2020_NCL
        : AVCOL_SPC_SMPTE170M
      : tags.matrix;
  const primaries = hdr && unknown(tags.primaries) ? AVCOL_PRI_BT2020 : tags.primaries;
  const range = isRgb && tags.range === 0 ? AVCOL_RANGE_JPEG : tags.range;
  return { ...tags, matrix, primaries, range };
}

/** Chroma is interpolated, and rounding is exact: vector code and plain code give the same bits. */
const SCALER_FLAGS = 'bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact';

/** Filters from frames of these tags (as `assumedTags` gives them) to packed RGB, 8 bits a value, with alpha where `alpha`. */
export function rgbFilters(tags: ColourTags, alpha: boolean): readonly string[] {
  // By way of planes: the same bits as straight to packed RGB, and three times as fast, since only this road has vector code.
  const planes = alpha ? 'format=gbrap' : 'format=gbrp';
  const straight = [`scale=flags=${SCALER_FLAGS}`, alpha ? 'format=rgba' : 'format=rgb24'];
  const packed = [`scale=flags=${SCALER_FLAGS}`, planes, ...straight];
  // Coded for a screen as BT.709 does it, which sRGB's viewers show as it was meant.
  const toScreen = ['zscale=transfer=709:matrix=gbr:range=full', planes];
  const planar = alpha ? 'gbrapf32le' : 'gbrpf32le';
  switch (colourTreatment(tags)) {
    case 'tone-map':
      // 100 nits are white; what is above is bent into what is left below it, by Hable's curve.
      return [
        'zscale=transfer=linear:npl=100',
        `format=${planar}`,
        'zscale=primaries=709',
        'tonemap=tonemap=hable:desat=0',
        ...toScreen,
        ...packed,
      ];
    case 'wide-gamut':
      return [
        'zscale=transfer=linear',
        `format=${planar}`,
        'zscale=primaries=709',
        ...toScreen,
        ...packed,
      ];
    case 'matrix':
      // Of RGB of five bits a value that road makes 248 of white.
      if (tags.matrix === AVCOL_SPC_RGB) return straight;
      return SCALER_MATRICES.has(tags.matrix)
        ? packed
        : // Without a format of its own zimg would be asked for YUV with the matrix of RGB, and refuses.
          ['zscale=matrix=gbr:range=full', planes, ...packed];
  }
}

/** In ffprobe's words. */
export function colourFacts(tags: ColourTags, taken: ColourTags): ColourFacts {
  return {
    range: RANGES[tags.range] ?? 'unknown',
    matrix: nameOf(MATRICES, tags.matrix),
    primaries: nameOf(PRIMARIES, tags.primaries),
    transfer: nameOf(TRANSFERS, tags.transfer),
    taken: {
      range: taken.range === AVCOL_RANGE_JPEG ? 'pc' : 'tv',
      matrix: nameOf(MATRICES, taken.matrix),
    },
    treatment: colourTreatment(taken),
  };
}

const RANGES: readonly string[] = ['unknown', 'tv', 'pc'];
// Place in the list is the number in ISO/IEC 23091-2; gaps are reserved ones.
const MATRICES =
  'gbr bt709 unknown reserved fcc bt470bg smpte170m smpte240m ycgco bt2020nc bt2020c smpte2085 chroma-derived-nc chroma-derived-c ictcp ipt-c2';
const PRIMARIES =
  'reserved bt709 unknown reserved bt470m bt470bg smpte170m smpte240m film bt2020 smpte428 smpte431 smpte432';
const TRANSFERS =
  'reserved bt709 unknown reserved bt470m bt470bg smpte170m smpte240m linear log100 log316 iec61966-2-4 bt1361e iec61966-2-1 bt2020-10 bt2020-12 smpte2084 smpte428 arib-std-b67';

function nameOf(names: string, code: number): string {
  return names.split(' ')[code] ?? `code ${code}`;
}
