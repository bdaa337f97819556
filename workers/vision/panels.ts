// Pictures that people compare by: panels side by side for one frame, and a contact sheet of whole clips. Pure.

import assert from 'node:assert/strict';
import {
  comparisonSize,
  CONTACT_SHEET_COLUMNS_MAX,
  contactSheetSize,
  panelStyle,
} from '../../common/outputs/panel-size.ts';
import type { PanelStyle, PictureSize } from '../../common/outputs/panel-size.ts';
import type { RgbImage } from '../media/media-types.ts';
import { fill, write, type Canvas } from './bitmap-font.ts';

export interface Panel {
  readonly label: string;
  readonly image: RgbImage;
}

export interface SheetRow {
  readonly label: string;
  /** At least one, all of one size. */
  readonly frames: readonly RgbImage[];
}

const GROUND = [24, 24, 27] as const;
const INK = [228, 228, 231] as const;

/** The panels next to each other, a label over each, thin lines between. All of one height. */
export function composePanels(panels: readonly Panel[]): RgbImage {
  const first = panels[0];
  assert.ok(first !== undefined, 'there is nothing to compose');
  const { height } = first.image;
  const style = panelStyle(first.image);
  const canvas = blank(comparisonSize(panels.map((panel) => panel.image)));
  let left = 0;
  for (const { label, image } of panels) {
    assert.equal(image.height, height, 'panels differ in height');
    writeLabel(canvas, { label, left, top: 0, width: image.width, style });
    paste(canvas, image, { left, top: style.strip });
    left += image.width + style.gap;
  }
  return canvas;
}

/**
 * A row per clip under its label, a column per frame; of more than twelve frames twelve, spread evenly, ends included.
 */
export function composeContactSheet(rows: readonly SheetRow[]): RgbImage {
  const first = rows[0]?.frames[0];
  assert.ok(first !== undefined, 'there is nothing to compose');
  const style = panelStyle(first);
  const strips = rows.map(({ label, frames }) => ({
    label,
    frames: spreadIndices(frames.length, CONTACT_SHEET_COLUMNS_MAX).map((i) => frames[i]!),
  }));
  const sizes = strips.map(({ frames }) => ({
    picture: { width: frames[0]?.width ?? 0, height: frames[0]?.height ?? 0 },
    frames: frames.length,
  }));
  const canvas = blank(contactSheetSize(sizes));
  let top = 0;
  strips.forEach(({ label, frames }, row) => {
    writeLabel(canvas, { label, left: 0, top, width: canvas.width, style });
    frames.forEach((frame, column) => {
      const left = column * (first.width + style.gap);
      paste(canvas, frame, { left, top: top + style.strip });
    });
    top += style.strip + sizes[row]!.picture.height;
  });
  return canvas;
}

/** Up to `max` indices of `count`, evenly spread, first and last among them. */
export function spreadIndices(count: number, max: number): readonly number[] {
  const length = Math.min(count, max);
  if (length < 2) return length === 1 ? [0] : [];
  return Array.from({ length }, (_, i) => Math.round((i * (count - 1)) / (length - 1)));
}

function blank({ width, height }: PictureSize): Canvas {
  const canvas = { width, height, rgb: new Uint8Array(width * height * 3) };
  fill(canvas, { left: 0, top: 0, width, height, colour: GROUND });
  return canvas;
}

function writeLabel(
  canvas: Canvas,
  at: {
    readonly label: string;
    readonly left: number;
    readonly top: number;
    readonly width: number;
    readonly style: PanelStyle;
  },
): void {
  const margin = 3 * at.style.scale;
  write(canvas, {
    text: at.label,
    x: at.left + margin,
    y: at.top + margin,
    scale: at.style.scale,
    maxWidth: at.width - 2 * margin,
    colour: INK,
  });
}

function paste(
  canvas: Canvas,
  image: RgbImage,
  at: { readonly left: number; readonly top: number },
): void {
  assert.equal(image.rgb.length, image.width * image.height * 3, 'a picture lacks pixels');
  assert.ok(at.left + image.width <= canvas.width, 'a picture is wider than its place');
  for (let y = 0; y < image.height; y++) {
    const row = image.rgb.subarray(y * image.width * 3, (y + 1) * image.width * 3);
    canvas.rgb.set(row, ((at.top + y) * canvas.width + at.left) * 3);
  }
}
