// How large the pictures become that people compare by: panels side by side, and a contact sheet of whole clips. Arithmetic alone:
// workers/vision draws them, and acceptance refuses those that no encoder takes.

/** Pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

export interface PanelStyle {
  /** Of letters: screen pixels per font pixel. */
  readonly scale: number;
  /** Height of a label's strip and width of the line between pictures, pixels. */
  readonly strip: number;
  readonly gap: number;
}

export interface SheetRowSize {
  /** Of one of its frames. */
  readonly picture: PictureSize;
  readonly frames: number;
}

/** Font pixels of a letter. */
export const GLYPH_HEIGHT = 7;
/** More columns than this make pictures too small to judge. */
export const CONTACT_SHEET_COLUMNS_MAX = 12;

/** Letters as high as a twentieth of the picture, roughly. */
export function panelStyle({ width, height }: PictureSize): PanelStyle {
  const scale = Math.max(1, Math.round(Math.min(width, height) / 160));
  return { scale, strip: (GLYPH_HEIGHT + 6) * scale + 1, gap: 2 * scale };
}

/** Of one frame of a comparison: panels of one height, at least one, a label over each, thin lines between. */
export function comparisonSize(panels: readonly PictureSize[]): PictureSize {
  const first = panels[0]!;
  const { strip, gap } = panelStyle(first);
  const pictures = panels.reduce((sum, { width }) => sum + width, 0);
  return { width: pictures + gap * (panels.length - 1), height: strip + first.height };
}

/** Of a contact sheet: at least one row, its first frame's width for all columns; a strip over each row. */
export function contactSheetSize(rows: readonly SheetRowSize[]): PictureSize {
  const first = rows[0]!.picture;
  const { strip, gap } = panelStyle(first);
  const longest = Math.max(...rows.map(({ frames }) => frames));
  const columns = Math.min(longest, CONTACT_SHEET_COLUMNS_MAX);
  return {
    width: columns * first.width + (columns - 1) * gap,
    height: rows.reduce((sum, { picture }) => sum + strip + picture.height, 0),
  };
}
