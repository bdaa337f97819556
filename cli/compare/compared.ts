// Clips that were read become a comparison: measured against the reference, as a report, as a table, as JSON.

import { basename } from 'node:path';

import { stringify } from 'yaml';

import { canonicalJson } from '../../common/canonical-json.ts';
import { schemaFor } from '../../recipes/spec/schema.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import { encodeWebp } from '../../workers/media/pixels/web-picture.ts';
import { formatFigure, formatTable } from '../output/format.ts';
import type { Figure, Measured, Report, ReportSpec } from '../report/report.ts';
import type { Clip } from './clip.ts';
import { FIGURES, measureClip } from './measure-clips.ts';
import type { MeasureOptions } from './measure-clips.ts';

/** Clips with their figures. */
export interface Comparison {
  readonly clips: readonly (Clip & {
    readonly measured: Readonly<Record<string, Measured>> | undefined;
  })[];
  /** Index of the clip that the others are compared with. */
  readonly reference: number;
  readonly figures: readonly Figure[];
  readonly notes: readonly string[];
}

export async function compareClips(
  clips: readonly Clip[],
  reference: Clip,
  options: MeasureOptions,
): Promise<Comparison> {
  const measured: Comparison['clips'][number][] = [];
  for (const clip of clips) {
    const own = clip.kind === 'shown' ? undefined : await measureClip(clip, reference, options);
    measured.push({ ...clip, measured: own });
  }
  const figures = FIGURES.filter(({ id }) => measured.some((clip) => clip.measured?.[id]));
  const has = (figure: string): boolean => figures.some(({ id }) => id === figure);
  const notes = [
    ...(['edgeF1', 'depthCorrelation', 'jointPck'].some(has)
      ? []
      : ['Control fidelity is left out: no clip has a control of outlines, depth or joints.']),
    ...(options.model === undefined
      ? ['Frame consistency and text alignment are left out: they need --clip DIR, a CLIP in ONNX.']
      : has('clipText')
        ? []
        : ['Text alignment is left out: no clip has a prompt.']),
  ];
  return {
    clips: measured,
    reference: clips.indexOf(reference),
    figures,
    notes,
  };
}

/** Up to so many pixels of all clips are kept without loss: 8 clips of 8 frames of 256x256. */
const LOSSLESS_PIXELS_MAX = 4_200_000;
/** Pictures that are encoded at once. */
const AT_ONCE = 16;

export async function reportOf(
  comparison: Comparison,
  { title, grid, means }: Pick<Report, 'title' | 'grid' | 'means'>,
): Promise<Report> {
  const { clips, reference, figures, notes } = comparison;
  const first = clips[0]!;
  const { width, height } = first.frames[0]!;
  const frames = first.frames.length;
  const pixels = clips.length * frames * width * height;
  const lossless = pixels <= LOSSLESS_PIXELS_MAX;
  const shown: Report['clips'][number][] = [];
  for (const { label, frames: pictures, measured } of clips) {
    const uris: string[] = [];
    for (let start = 0; start < pictures.length; start += AT_ONCE) {
      const some = pictures.slice(start, start + AT_ONCE);
      const encoded = await Promise.all(some.map((one) => encodeWebp(one, { lossless })));
      uris.push(
        ...encoded.map(
          (bytes) => `data:image/webp;base64,${Buffer.from(bytes).toString('base64')}`,
        ),
      );
    }
    shown.push({ label, pictures: uris, measured });
  }
  const prompts = new Set(clips.flatMap(({ prompt }) => prompt ?? []));
  return {
    title,
    facts: [
      ...[...prompts].map((prompt) => (prompt === '' ? 'no prompt' : `“${prompt}”`)).slice(0, 3),
      `${frames} frames of ${width}×${height}`,
      `${first.framesPerSecond} frames per second`,
      `reference: ${(means?.[0] ?? clips[reference]!).label}`,
    ],
    ...{ width, height, frames, framesPerSecond: first.framesPerSecond },
    ...{ clips: shown, reference, figures, notes },
    ...(grid === undefined ? {} : { grid }),
    ...(means === undefined ? {} : { means }),
    specs: specsOf(clips),
  };
}

/** Clips, or means over them. */
interface Told extends Pick<Comparison, 'figures' | 'reference' | 'notes'> {
  readonly clips: readonly Pick<Comparison['clips'][number], 'label' | 'measured'>[];
}

/** For people on a terminal. */
export function comparisonText({ clips, figures, reference, notes }: Told): string {
  const rows = clips.flatMap(({ label, measured }, index) =>
    measured === undefined
      ? []
      : [
          [
            index === reference ? `${label} (reference)` : label,
            ...figures.map(({ id }) => formatFigure(measured[id]?.mean)),
          ],
        ],
  );
  const header = [
    '',
    ...figures.map(({ name, better }) => `${name.toLowerCase()} (${better} is better)`),
  ];
  return `${formatTable(header, rows)}${notes.map((note) => `${note}\n`).join('')}`;
}

export function comparisonJson(comparison: Comparison, html: string | undefined): object {
  const { clips, figures, reference, notes } = comparison;
  return {
    kind: 'bivdiff-comparison',
    reference: clips[reference]!.label,
    figures: figures.map(({ id, along, unit, better }) => ({ id, along, unit, better })),
    clips: clips.map(({ label, origin, frames, measured }) => ({
      label,
      ...('path' in origin ? { path: origin.path } : { job: origin.job, panel: origin.panel }),
      frames: frames.length,
      width: frames[0]?.width,
      height: frames[0]?.height,
      ...(measured === undefined ? {} : { measured }),
    })),
    notes,
    ...(html === undefined ? {} : { html }),
  };
}

/** One of each job, in the order of the results. */
function specsOf(clips: readonly Clip[]): readonly ReportSpec[] {
  return clips.flatMap(({ label, origin }): ReportSpec[] => {
    if ('path' in origin || origin.panel !== 'smoothed' || origin.request === undefined) return [];
    return [{ label, text: specText(origin.request) }];
  });
}

/**
 * YAML that `bivdiff render` takes, without what is the default anyway. Of paths, which say something of the machine of whoever rendered, the
 * last name.
 */
export function specText(spec: RenderSpec): string {
  const { apiVersion, task, ...others } = spec;
  const whole = {
    apiVersion,
    task,
    ...others,
    input: { ...spec.input, path: basename(spec.input.path) },
  };
  const named = spec.models === undefined ? whole : { ...whole, models: basename(spec.models) };
  const meaning = (value: object): string | undefined => {
    const parsed = schemaFor(task).safeParse(value);
    return parsed.success ? canonicalJson(parsed.data) : undefined;
  };
  return stringify(withoutDefaults(named, (value) => meaning(value) === meaning(named)));
}

/** What can be left out, at any depth, while `isSame` holds of the rest. */
function withoutDefaults(
  value: Readonly<Record<string, unknown>>,
  isSame: (value: object) => boolean,
): Readonly<Record<string, unknown>> {
  let short = value;
  for (const field of Object.keys(value)) {
    const { [field]: own, ...others } = short;
    if (isSame(others)) short = others;
    else if (typeof own === 'object' && own !== null && !Array.isArray(own)) {
      const around = short;
      const inner = withoutDefaults(own as Readonly<Record<string, unknown>>, (shorter) =>
        isSame({ ...around, [field]: shorter }),
      );
      short = { ...short, [field]: inner };
    }
  }
  return short;
}
