// A small bitmap font, drawn for this project, and writing with it. The images that the workers ship in have no system
// fonts, and libvips draws none of its own. Pure.

import { GLYPH_HEIGHT } from '../../common/outputs/panel-size.ts';

/** 5x7 pixels each: a base-32 digit per row, its five bits from left to right. */
// prettier-ignore
const GLYPHS: Readonly<Record<string, string>> = {
  ' ': '0000000', '#': 'avaaava', '%': 'pp248jj', "'": '4440000', '(': '2444442',
  ')': '8444448', '+': '044v440', ',': '0000048', '-': '000v000', '.': '00000cc',
  '/': '11248gg', '0': 'ehjlphe', '1': '4c4444e', '2': 'eh1248v', '3': 'eh161he',
  '4': '26aiv22', '5': 'vgu11he', '6': 'egguhhe', '7': 'v124444', '8': 'ehhehhe',
  '9': 'ehhf11e', ':': '0440440', '=': '00v0v00', '?': 'eh12404', A: 'ehhvhhh',
  B: 'uhhuhhu', C: 'ehggghe', D: 'uhhhhhu', E: 'vgguggv', F: 'vgguggg',
  G: 'ehgnhhe', H: 'hhhvhhh', I: 'e44444e', J: '11111he', K: 'hikokih',
  L: 'ggggggv', M: 'hrllhhh', N: 'hpljhhh', O: 'ehhhhhe', P: 'uhhuggg',
  Q: 'ehhhlid', R: 'uhhukih', S: 'fgge11u', T: 'v444444', U: 'hhhhhhe',
  V: 'hhhhha4', W: 'hhhllrh', X: 'hha4ahh', Y: 'hha4444', Z: 'v1248gv',
  '_': '000000v', a: '00e1fhf', b: 'gguhhhu', c: '00eggge', d: '11fhhhf',
  e: '00ehvge', f: '68u8888', g: '00fhf1e', h: 'gguhhhh', i: '40c444e',
  j: '20622ic', k: 'ggikoki', l: 'c44444e', m: '00qllll', n: '00uhhhh',
  o: '00ehhhe', p: '00uhugg', q: '00fhf11', r: '00moggg', s: '00fge1u',
  t: '88u8886', u: '00hhhhf', v: '00hhha4', w: '00hhlla', x: '00ha4ah',
  y: '00hhf1e', z: '00v248v',
};

const GLYPH_WIDTH = 5;
const ADVANCE = GLYPH_WIDTH + 1;

export interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

export interface Writing {
  readonly text: string;
  /** Of the first letter's top left corner. */
  readonly x: number;
  readonly y: number;
  /** Whole number: screen pixels per font pixel. */
  readonly scale: number;
  /** Text that would go further is cut; its last two letters are dots then. */
  readonly maxWidth: number;
  readonly colour: readonly [number, number, number];
}

/** Writes onto the canvas. Letters that the font lacks show as `?`. */
export function write(canvas: Canvas, writing: Writing): void {
  const { x, y, scale, colour } = writing;
  const letters = Array.from(fit(writing));
  letters.forEach((letter, n) => {
    const rows = GLYPHS[letter] ?? GLYPHS['?']!;
    for (let row = 0; row < GLYPH_HEIGHT; row++) {
      const bits = Number.parseInt(rows[row]!, 32);
      for (let column = 0; column < GLYPH_WIDTH; column++) {
        if (((bits >> (GLYPH_WIDTH - 1 - column)) & 1) === 0) continue;
        const left = x + (n * ADVANCE + column) * scale;
        fill(canvas, { left, top: y + row * scale, width: scale, height: scale, colour });
      }
    }
  });
}

function fit({ text, scale, maxWidth }: Writing): string {
  const room = Math.max(0, Math.floor((maxWidth / scale + 1) / ADVANCE));
  const letters = Array.from(text);
  if (letters.length <= room) return text;
  return room < 3 ? letters.slice(0, room).join('') : `${letters.slice(0, room - 2).join('')}..`;
}

export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly colour: readonly [number, number, number];
}

/** Fills a rectangle, as far as it is on the canvas. */
export function fill(canvas: Canvas, rectangle: Rectangle): void {
  const { left, top, colour } = rectangle;
  const right = Math.min(left + rectangle.width, canvas.width);
  const bottom = Math.min(top + rectangle.height, canvas.height);
  for (let y = Math.max(top, 0); y < bottom; y++) {
    for (let x = Math.max(left, 0); x < right; x++) {
      canvas.rgb.set(colour, (y * canvas.width + x) * 3);
    }
  }
}
