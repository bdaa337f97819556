// What a clip's colour tags mean, what is assumed where it has none, and which filters bring it to the 8-bit sRGB that models take. Pure.
// Numbers are those of ISO/IEC 23091-2, which FFmpeg uses too.

import {
  AVCOL_PRI_BT2020,
  AVCOL_PRI_BT709,
  AVCOL_PRI_SMPTE431,
  AVCOL_PRI_SMPTE432,
  AVCOL_RANGE_JPEG,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_BT2020_CL,
  AVCOL_SPC_BT2020_NCL,
  AVCOL_SPC_BT470BG,
  AVCOL_SPC_BT709,
  AVCOL_SPC_CHROMA_DERIVED_NCL,
  AVCOL_SPC_FCC,
  AVCOL_SPC_ICTCP,
  AVCOL_SPC_RGB,
  AVCOL_SPC_SMPTE170M,
  AVCOL_SPC_SMPTE240M,
  AVCOL_SPC_UNSPECIFIED,
  AVCOL_TRC_ARIB_STD_B67,
  AVCOL_TRC_BT2020_10,
  AVCOL_TRC_BT709,
  AVCOL_TRC_LINEAR,
  AVCOL_TRC_LOG,
  AVCOL_TRC_LOG_SQRT,
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
/** Light that is not coded for a screen. */
const NO_SCREEN = new Set<number>([AVCOL_TRC_LINEAR, AVCOL_TRC_LOG, AVCOL_TRC_LOG_SQRT]);
const HDR_TRANSFERS = new Set<number>([AVCOL_TRC_SMPTE2084, AVCOL_TRC_ARIB_STD_B67]);

/** The tags, and for those that say nothing the other ones. */
export function withTagsOf(other: ColourTags, tags: ColourTags): ColourTags {
  return {
    matrix: known(tags.matrix, other.matrix),
    primaries: known(tags.primaries, other.primaries),
    transfer: known(tags.transfer, other.transfer),
    range: tags.range === 0 ? other.range : tags.range,
  };
}

export function colourTreatment({ primaries, transfer }: ColourTags): ColourFacts['treatment'] {
  if (HDR_TRANSFERS.has(transfer)) return 'tone-map';
  return WIDE_PRIMARIES.has(primaries) || NO_SCREEN.has(transfer) ? 'wide-gamut' : 'matrix';
}

/**
 * The tags to go by: a clip without a matrix counts as BT.601, one without a range as limited, which is what FFmpeg, and so OpenCV and
 * decord, take them for; with the primaries of BT.2020, or in HDR, as BT.2020, and with those of P3 as BT.709, as their standards have it. zimg
 * wants every tag and knows not all; the scaler stumbles over transfers that it does not need.
 */
export function assumedTags(tags: ColourTags, isRgb: boolean): ColourTags {
  const range = isRgb && tags.range === 0 ? AVCOL_RANGE_JPEG : tags.range;
  const special = isRgb ? undefined : SPECIAL_MATRICES[tags.matrix]?.(tags);
  const { transfer } = special ?? tags;
  const bt2100 = HDR_TRANSFERS.has(transfer) ? AVCOL_PRI_BT2020 : NONE;
  const primaries = known(special?.primaries ?? tags.primaries, bt2100);
  const matrix = isRgb ? AVCOL_SPC_RGB : known(special?.matrix ?? tags.matrix, matrixOf(primaries));
  const taken = { matrix, primaries, transfer, range };
  if (isForScaler(taken)) return { ...taken, primaries: NONE, transfer: NONE };
  return {
    matrix,
    primaries: ZIMG_PRIMARIES.has(primaries) ? primaries : AVCOL_PRI_BT709,
    transfer: ZIMG_TRANSFERS.has(transfer) ? transfer : AVCOL_TRC_BT709,
    range: range === 0 ? AVCOL_RANGE_MPEG : range,
  };
}

type Special = Pick<ColourTags, 'matrix' | 'primaries' | 'transfer'>;

/** Matrices that mean something with certain primaries and transfers only, whatever else a clip says beside them. */
const SPECIAL_MATRICES: Readonly<Record<number, (tags: ColourTags) => Special>> = {
  [AVCOL_SPC_BT2020_CL]: ({ matrix }) => ({
    matrix,
    primaries: AVCOL_PRI_BT2020,
    transfer: AVCOL_TRC_BT2020_10,
  }),
  // The matrix follows from the primaries.
  [AVCOL_SPC_CHROMA_DERIVED_NCL]: ({ primaries, transfer }) => ({
    matrix: primaries === AVCOL_PRI_BT709 ? AVCOL_SPC_BT709 : matrixOf(primaries),
    ...{ primaries, transfer },
  }),
  [AVCOL_SPC_ICTCP]: ({ matrix, transfer }) => ({
    matrix,
    primaries: AVCOL_PRI_BT2020,
    transfer: transfer === AVCOL_TRC_ARIB_STD_B67 ? transfer : AVCOL_TRC_SMPTE2084,
  }),
};

/** "Unspecified" in the lists of matrices, primaries and transfers. */
const NONE = AVCOL_SPC_UNSPECIFIED as number;

function known(value: number, otherwise: number): number {
  return value === NONE ? otherwise : value;
}

/** Of clips that do not say it. */
function matrixOf(primaries: number): number {
  if (primaries === AVCOL_PRI_BT2020) return AVCOL_SPC_BT2020_NCL;
  return WIDE_PRIMARIES.has(primaries) ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
}

function isForScaler(tags: ColourTags): boolean {
  return colourTreatment(tags) === 'matrix' && SCALER_MATRICES.has(tags.matrix);
}

/** 1 BT.709, 4 BT.470M, 5 BT.470BG, 6 and 7 SMPTE 170M and 240M, 8 film, 9 BT.2020, 10 to 12 SMPTE 428, 431, 432, 22 EBU 3213. */
const ZIMG_PRIMARIES = new Set([1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 22]);
/** 1 BT.709, 4 and 5 gamma 2.2 and 2.8, 6 BT.601, 8 linear, 9 and 10 logarithmic, 11 xvYCC, 13 sRGB, 14 and 15 BT.2020, 16 PQ, 18 HLG. */
const ZIMG_TRANSFERS = new Set([1, 4, 5, 6, 8, 9, 10, 11, 13, 14, 15, 16, 18]);

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
