// What the program sees in a source, and what it will do about it, in plain words. Pure text; the facts come from the media process.

import { frameRateOf } from '../../common/outputs/frame-rate.ts';
import type { ColourFacts, VideoFacts } from '../../workers/media/media-types.ts';
import { formatSeconds, formatTable, plural } from './format.ts';

/** One thing about a source. */
export interface SourceFact {
  readonly about: string;
  readonly found: string;
  /** What becomes of it on the way to frames; absent where nothing has to be done. */
  readonly done?: string;
}

/** All that is known of a source, as it is told to people. */
export function describeSource(facts: VideoFacts): readonly SourceFact[] {
  const isClip = facts.frames > 1 && facts.container !== 'image-folder';
  return [
    { about: 'container', found: nameIn(CONTAINERS, facts.container) },
    { about: 'codec', found: facts.codec },
    { about: 'frames', found: framesText(facts) },
    rateFact(facts),
    ...(isClip ? [{ about: 'duration', found: formatSeconds(facts.durationSeconds) }] : []),
    sizeFact(facts),
    orientationFact(facts),
    pixelAspectFact(facts),
    pixelFormatFact(facts),
    ...colourFactsOf(facts.colour),
    fact('alpha', alphaText(facts), facts.alpha && ALPHA_DONE),
    fact(
      'interlaced',
      facts.interlaced ? 'yes' : 'no',
      facts.interlaced && 'deinterlaced with bwdif, two fields to a frame',
    ),
    fact(
      'sound',
      facts.sounds === 0 ? 'none' : plural(facts.sounds, 'track'),
      facts.sounds > 0 && SOUND_DONE,
    ),
  ];
}

/** One block of text: the name, then a line for each fact. */
export function sourceText(name: string, facts: VideoFacts): string {
  const rows = describeSource(facts).map(({ about, found, done }) => [about, found, done ?? '']);
  const [, ...lines] = formatTable(['', '', ''], rows).split('\n');
  return `${name}\n${lines.map((line) => (line === '' ? '' : `  ${line}\n`)).join('')}`;
}

/** What will be done, for scripts and for one line of text; with an output, what is done for it. */
export function treatmentOf(
  facts: VideoFacts,
  output?: { readonly keepAlpha: boolean; readonly sound?: object },
): readonly { about: string; done: string }[] {
  return describeSource(facts).flatMap(({ about, done }) => {
    if (done === undefined) return [];
    if (output === undefined) return [{ about, done }];
    if (done === ALPHA_DONE)
      return [{ about, done: output.keepAlpha ? 'kept' : 'laid over black' }];
    if (done === SOUND_DONE) return [{ about, done: output.sound ? 'kept' : 'left out' }];
    return [{ about, done }];
  });
}

/** `24`, `24000/1001`. */
export function rateText(framesPerSecond: number): string {
  const { numerator, denominator } = frameRateOf(framesPerSecond);
  return denominator === 1 ? String(numerator) : `${numerator}/${denominator}`;
}

/** Whoever knows the output's format says which of the two. */
const ALPHA_DONE =
  'laid over black; kept by roundtrip and --task frames in MOV, MKV and PNG outputs';

const SOUND_DONE = 'left out, unless --audio keep is given';

const CONTAINERS = {
  mp4: 'MP4 or MOV',
  matroska: 'Matroska or WebM',
  avi: 'AVI',
  mpegts: 'MPEG transport stream',
  mpeg: 'MPEG program stream',
  flv: 'Flash Video',
  ogg: 'Ogg',
  asf: 'Windows Media',
  mxf: 'MXF',
  ivf: 'IVF',
  y4m: 'YUV4MPEG2',
  apng: 'animated PNG',
  'animated-image': 'animated picture',
  image: 'picture',
  'image-folder': 'folder of pictures',
} satisfies Partial<Record<VideoFacts['container'], string>>;

function fact(about: string, found: string, done: string | false): SourceFact {
  return done === false ? { about, found } : { about, found, done };
}

function framesText({ frames, pictures }: VideoFacts): string {
  return pictures === undefined || frames === 1
    ? String(frames)
    : `${frames}, from ${pictures.first} to ${pictures.last}`;
}

function alphaText({ alpha, frames, pictures }: VideoFacts): string {
  if (!alpha) return 'none';
  const some = pictures?.withAlpha ?? frames;
  return some === frames ? 'yes' : `in ${plural(some, 'picture')} of ${frames}`;
}

function rateFact({ framesPerSecond, variableFrameRate }: VideoFacts): SourceFact {
  if (framesPerSecond === 0) return { about: 'rate', found: 'none' };
  const exact = rateText(framesPerSecond);
  const rate = exact.includes('/') ? `${framesPerSecond} (${exact})` : exact;
  if (!variableFrameRate) return { about: 'rate', found: `${rate} a second` };
  const done = 'frames are taken one after another, however long each is shown';
  return { about: 'rate', found: `variable, ${framesPerSecond} a second on the mean`, done };
}

function sizeFact({ stored, width, height, pictures }: VideoFacts): SourceFact {
  const sizes = pictures?.sizes ?? [];
  if (sizes.length > 1) {
    const named = sizes.slice(0, SIZES_MAX).map((size) => `${sizeText(size)} (${size.count})`);
    const more = sizes.length > SIZES_MAX ? `, ${sizes.length - SIZES_MAX} more` : '';
    const done = `each is brought to one size; without --size a roundtrip takes the first one's, ${width}x${height}`;
    return { about: 'size', found: `mixed: ${named.join(', ')}${more}`, done };
  }
  const shown = { width, height };
  const found =
    sizeText(stored) === sizeText(shown)
      ? sizeText(shown)
      : `${sizeText(stored)} stored, ${sizeText(shown)} shown`;
  return { about: 'size', found };
}

/** Of a folder of many. */
const SIZES_MAX = 4;

function orientationFact({ rotation, mirrored }: VideoFacts): SourceFact {
  const steps = [
    ...(mirrored ? ['mirrored left to right'] : []),
    ...(rotation === 0 ? [] : [TURNS[rotation]]),
  ];
  if (steps.length === 0) return { about: 'way up', found: 'upright' };
  const marks = [...(mirrored ? ['mirrored'] : []), ...(rotation === 0 ? [] : [`${rotation}°`])];
  return { about: 'way up', found: `marked ${marks.join(', ')}`, done: steps.join(', then ') };
}

const TURNS = {
  90: 'turned 90° clockwise',
  180: 'turned 180°',
  270: 'turned 90° anticlockwise',
} as const;

function pixelAspectFact({ pixelAspect, width, height }: VideoFacts): SourceFact {
  if (pixelAspect === 1) return { about: 'pixels', found: 'square' };
  const wide = Number(pixelAspect.toFixed(4));
  const done = `stretched to square pixels, ${width}x${height}`;
  return { about: 'pixels', found: `${wide} times as wide as high`, done };
}

function pixelFormatFact({ pixelFormat }: VideoFacts): SourceFact {
  const isDeep = /(9|10|12|14|16|32)(le|be)$|^(rgb16|grey16)$/.test(pixelFormat);
  return fact('pixel format', pixelFormat, isDeep && 'brought to 8 bits a channel');
}

function colourFactsOf(colour: ColourFacts | undefined): readonly SourceFact[] {
  if (colour === undefined) {
    const done = 'brought to sRGB';
    return [{ about: 'colour', found: 'as its profile says, else sRGB', done }];
  }
  const { range, matrix, primaries, transfer, taken, treatment } = colour;
  const isHdr = treatment === 'tone-map';
  return [
    fact('range', rangeName(range), range !== taken.range && `taken for ${rangeName(taken.range)}`),
    fact(
      'matrix',
      nameIn(MATRICES, matrix),
      matrix !== taken.matrix && `taken for ${nameIn(MATRICES, taken.matrix)}`,
    ),
    fact(
      'primaries',
      nameIn(PRIMARIES, primaries),
      treatment === 'wide-gamut' && "brought to BT.709's",
    ),
    fact('transfer', nameIn(TRANSFERS, transfer), false),
    fact(
      'HDR',
      isHdr ? 'yes' : 'no',
      isHdr && 'tone-mapped with Hable, 100 nits as white, primaries brought to BT.709',
    ),
  ];
}

function rangeName(range: string): string {
  return { tv: 'limited', pc: 'full' }[range] ?? NOT_SAID;
}

const NOT_SAID = 'not said';
const MATRICES = {
  gbr: 'RGB',
  bt709: 'BT.709',
  smpte170m: 'BT.601',
  bt470bg: 'BT.601 (625 lines)',
  smpte240m: 'SMPTE 240M',
  bt2020nc: 'BT.2020',
  bt2020c: 'BT.2020 of constant luminance',
  ycgco: 'YCgCo',
  ictcp: 'ICtCp',
  unknown: NOT_SAID,
};
const PRIMARIES = {
  bt709: 'BT.709',
  bt470bg: 'BT.601 (625 lines)',
  smpte170m: 'BT.601 (525 lines)',
  smpte240m: 'SMPTE 240M',
  bt2020: 'BT.2020',
  smpte431: 'DCI-P3',
  smpte432: 'Display P3',
  unknown: NOT_SAID,
};
const TRANSFERS = {
  bt709: 'BT.709',
  smpte170m: 'BT.601',
  'iec61966-2-1': 'sRGB',
  linear: 'linear',
  'bt2020-10': 'BT.2020',
  'bt2020-12': 'BT.2020',
  smpte2084: 'PQ',
  'arib-std-b67': 'HLG',
  unknown: NOT_SAID,
};

/** FFmpeg's word where there is no plainer one. */
function nameIn(names: Readonly<Record<string, string>>, word: string): string {
  return names[word] ?? word;
}

function sizeText({ width, height }: { readonly width: number; readonly height: number }): string {
  return `${width}x${height}`;
}
