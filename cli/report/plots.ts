// Line plots as inline SVG: one figure over the frames, a line for each clip. Colours are classes, so that light and dark pages have their
// own; shapes and dashes tell lines apart without colours. Pure.

import { html, raw } from './html.ts';
import type { Html } from './html.ts';
import type { Figure, ReportClip } from './report.ts';

const WIDTH = 360;
const HEIGHT = 230;
/** Of the axes' lines. */
const BOX = { left: 54, right: 350, top: 12, bottom: 188 } as const;
const X_TICKS_MAX = 8;
/** Distinct looks; further lines begin again. */
const LOOKS = 8;
const MARKS = ['circle', 'square', 'triangle', 'diamond'] as const;
const MARK_SIZE = 3;
/** Beyond so many values a line is drawn without marks. */
const MARKED_MAX = 40;

interface Line {
  /** As `looksOf` numbers them. */
  readonly look: number;
  readonly label: string;
  /** Null: a gap. */
  readonly values: readonly (number | null)[];
}

/** The plot of one figure; undefined where no clip has a series of it. */
export function plot(figure: Figure, clips: readonly ReportClip[]): Html | undefined {
  const looks = looksOf(clips);
  const lines = clips.flatMap(({ label, measured }, clip): Line[] => {
    const values = measured?.[figure.id]?.series ?? [];
    const isKnown = values.some((value) => value !== null);
    return isKnown ? [{ look: looks[clip]!, label, values }] : [];
  });
  if (lines.length === 0) return undefined;
  const first = figure.along === 'frame' ? 1 : 2;
  const count = Math.max(...lines.map(({ values }) => values.length));
  const ticks = niceTicks(lines.flatMap(({ values }) => values.filter((value) => value !== null)));
  const [bottom, top] = [ticks[0]!, ticks.at(-1)!];
  const x = (index: number): number =>
    BOX.left + (count === 1 ? 0.5 : index / (count - 1)) * (BOX.right - BOX.left);
  const y = (value: number): number =>
    BOX.bottom - ((value - bottom) / (top - bottom)) * (BOX.bottom - BOX.top);
  const over = figure.along === 'part of the clip' ? 'parts of the clip' : 'frames';
  const title = `${figure.name} over the ${over}, ${figure.better} is better`;
  return html`<figure class="plot">
    <figcaption>${figure.name} <small>${figure.better} is better</small></figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
      ${yAxis(figure, ticks, y)} ${xAxis(figure, { first, count, x })}
      ${
        // It stands at the frame that is shown.
        figure.along === 'part of the clip' ? [] : cursor({ first, count, x })
      }
      ${lines.map((line) => drawn(line, { figure, first, x, y }))}
    </svg>
  </figure>`;
}

function cursor({ first, count, x }: Along): Html {
  const step = count > 1 ? x(1) - x(0) : 0;
  return html`<line
    class="cursor"
    data-first="${first}"
    data-count="${count}"
    data-x="${round(x(0))}"
    data-step="${round(step)}"
    x1="0"
    x2="0"
    y1="${BOX.top}"
    y2="${BOX.bottom}"
    visibility="hidden"
  />`;
}

/** What the lines of all plots mean. */
export function legend(clips: readonly ReportClip[]): Html {
  const looks = looksOf(clips);
  const entries = clips.flatMap(({ label, measured }, clip) =>
    measured === undefined ? [] : [html`<li>${swatch(looks[clip]!)} ${label}</li>`],
  );
  return html`<ul class="legend">
    ${entries}
  </ul>`;
}

/** A piece of a clip's line. */
export function swatch(look: number): Html {
  return html`<svg viewBox="0 0 34 12" class="swatch ${lookClass(look)}" aria-hidden="true">
    <path class="stroke" d="M1 6H33" />
    ${mark(look, 17, 6)}
  </svg>`;
}

/** Of each clip how it looks in plots: those that are measured, counted from 0. */
export function looksOf(clips: readonly Pick<ReportClip, 'measured'>[]): readonly number[] {
  let next = 0;
  return clips.map(({ measured }) => (measured === undefined ? -1 : next++));
}

function yAxis(figure: Figure, ticks: readonly number[], y: (value: number) => number): Html {
  const middle = (BOX.top + BOX.bottom) / 2;
  return html`<g class="axis">
    ${ticks.map(
      (tick) =>
        html`<line
            class="rule"
            x1="${BOX.left}"
            x2="${BOX.right}"
            y1="${round(y(tick))}"
            y2="${round(y(tick))}"
          /><text x="${BOX.left - 6}" y="${round(y(tick) + 3.5)}" text-anchor="end">${tick}</text>`,
    )}
    <text x="11" y="${middle}" text-anchor="middle" transform="rotate(-90 11 ${middle})">
      ${figure.unit}
    </text>
  </g>`;
}

interface Along {
  /** Number of the first value's frame, from 1. */
  readonly first: number;
  readonly count: number;
  readonly x: (index: number) => number;
}

function xAxis(figure: Figure, { first, count, x }: Along): Html {
  const every = Math.max(1, Math.ceil(count / X_TICKS_MAX));
  const ticks = Array.from({ length: Math.ceil(count / every) }, (_, n) => n * every);
  const text = (index: number): string =>
    figure.along === 'frame pair' ? `${first + index - 1}–${first + index}` : String(first + index);
  return html`<g class="axis">
    <line x1="${BOX.left}" x2="${BOX.right}" y1="${BOX.bottom}" y2="${BOX.bottom}" />
    ${ticks.map(
      (index) =>
        html`<text x="${round(x(index))}" y="${BOX.bottom + 15}" text-anchor="middle"
          >${text(index)}</text
        >`,
    )}
    <text x="${(BOX.left + BOX.right) / 2}" y="${HEIGHT - 6}" text-anchor="middle">
      ${figure.along}
    </text>
  </g>`;
}

function drawn(
  { look, label, values }: Line,
  {
    figure,
    first,
    x,
    y,
  }: {
    readonly figure: Figure;
    readonly first: number;
    readonly y: (value: number) => number;
  } & Pick<Along, 'x'>,
): Html {
  const place = figure.along === 'part of the clip' ? 'part' : 'frame';
  const points = values.flatMap((value, index) => (value === null ? [] : [{ value, index }]));
  const way = points.map(({ value, index }, at) => {
    const isNext = at > 0 && points[at - 1]!.index === index - 1;
    return `${isNext ? 'L' : 'M'}${round(x(index))} ${round(y(value))}`;
  });
  const marks = values.length > MARKED_MAX ? [] : points;
  return html`<g class="${lookClass(look)}">
    <path class="stroke" d="${way.join('')}" />
    ${marks.map(
      ({ value, index }) =>
        html`<g
          >${mark(look, round(x(index)), round(y(value)))}<title>
            ${label}, ${place} ${first + index}: ${Number(value.toPrecision(4))}
          </title></g
        >`,
    )}
  </g>`;
}

function mark(look: number, x: number, y: number): Html {
  const r = MARK_SIZE;
  switch (MARKS[look % MARKS.length]!) {
    case 'circle':
      return html`<circle class="mark" cx="${x}" cy="${y}" r="${r}" />`;
    case 'square':
      return path(`M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`);
    case 'triangle':
      return path(`M${x} ${y - r - 1}l${r + 1} ${2 * r + 1}h${-2 * r - 2}z`);
    case 'diamond':
      return path(`M${x} ${y - r - 1}l${r + 1} ${r + 1}l${-r - 1} ${r + 1}l${-r - 1} ${-r - 1}z`);
  }
}

function path(d: string): Html {
  return raw(`<path class="mark" d="${d}"/>`);
}

function lookClass(look: number): string {
  return `look-${look % LOOKS} dash-${Math.floor(look / LOOKS) % 3}`;
}

/**
 * Round numbers around all values, at most seven: steps of 1, 2 or 5 times a power of ten. From 0, unless all values are in the upper half: then
 * what tells them apart is worth more than the zero.
 */
export function niceTicks(values: readonly number[]): readonly number[] {
  const max = Math.max(...values);
  const min = Math.min(...values);
  if (!(max > 0)) return [0, 1];
  const from = min > max / 2 && max > min ? min : 0;
  const rough = (max - from) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((one) => one >= rough * 0.999)!;
  const first = Math.floor(from / step + 1e-9);
  const last = Math.ceil(max / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, n) =>
    Number(((first + n) * step).toPrecision(6)),
  );
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
